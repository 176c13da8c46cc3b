"""A network as a run has left it: the best epoch's weights, ready to be used."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from npdigits.assembly import empty_network
from npdigits.config import Config, parse
from npdigits.data import Split
from npdigits.errors import RunDirError
from npdigits.files import read_npz
from npdigits.memory import Array
from npdigits.network import Network
from npdigits.passes import probabilities
from npdigits.rundir import read_summary


@dataclass(frozen=True)
class Trained:
    """A trained network.

    Attributes:
        path: the run directory.
        network: with the best epoch's weights.
        config: of the run.
        summary: of the run.
    """

    path: Path
    network: Network
    config: Config
    summary: dict[str, Any]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The layers' sizes, from the pixels to the classes."""
        return self.network.parameters.sizes

    def probabilities(self, split: Split) -> Array:
        """Return what the network makes of a split's images: (digits, classes), each row's sum 1."""
        return probabilities(self.network, split)


def load(path: Path) -> Trained:
    """Read a run directory that has a best epoch.

    Raises:
        RunDirError: it is no run directory, has no best epoch yet, or a file is damaged.
    """
    summary = read_summary(path)
    if not (path / "checkpoints" / "best.npz").exists():
        raise RunDirError(f"{path}: has no best epoch yet (status {summary.get('status')})")
    try:
        config = parse(yaml.safe_load((path / "config.yaml").read_text(encoding="utf-8")))
        arrays = read_npz(path / "checkpoints" / "best.npz")
        layers = sum(name.startswith("W") for name in arrays)
        sizes = (arrays["W1"].shape[1], *(len(arrays[f"W{i + 1}"]) for i in range(layers)))
        network = empty_network(config, sizes)
        for name, view in network.parameters.named().items():
            if arrays[name].shape != view.shape:
                raise ValueError(f"{name} has shape {arrays[name].shape}, not {view.shape}")
            view[...] = arrays[name]
    except OSError as error:
        raise RunDirError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, IndexError, yaml.YAMLError) as error:
        raise RunDirError(f"{path}: damaged: {error}") from error
    return Trained(path, network, config, summary)
