"""A trained network: the best epoch's weights of a run, read from its directory."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError, RunDirError
from npdigits.base.text import join_lines, printable
from npdigits.config.build import empty_network
from npdigits.config.former import parse_run_config
from npdigits.config.identity import canonical, describe_differences, differences, identity
from npdigits.config.schema import Config
from npdigits.data.sets import Split
from npdigits.forms.found import Meaning
from npdigits.nn.network import Network
from npdigits.runs.about_data import OF_BYTES
from npdigits.runs.arrays import fits_network
from npdigits.runs.checkpoint import opened
from npdigits.runs.json_table import load_config, load_identity
from npdigits.runs.kept_code import read_kept
from npdigits.runs.race_part import DEFINITION, SEARCH
from npdigits.runs.summary import Status, Summary, read_summary
from npdigits.training.scoring import probabilities

# What probabilities mean, of which a temperature was found, or none.
CALIBRATED = (
    "probabilities hold for digits like the validation set: of 100 that are read with 0.96, about 96 are read right; "
    "of anything else they say little"
)
NOT_CALIBRATED = "probabilities are the network's own, which may be too sure: no temperature was found for them"


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
    summary: Summary

    @property
    def sizes(self) -> tuple[int, ...]:
        """The layers' sizes, from the pixels to the classes."""
        return self.network.parameters.sizes

    @property
    def of_bytes(self) -> bool:
        """Whether the images that it was trained on were bytes; else they may have been decimals."""
        return self.summary.schema <= OF_BYTES

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.summary.class_names(self.sizes[-1])

    @property
    def meaning(self) -> Meaning:
        """What numbers mean to the network: of images, and of labels."""
        return self.summary.meaning(self.sizes[-1])

    @property
    def unfinished(self) -> str:
        """A warning where the run has not finished; "" where it has."""
        status = self.summary.status
        return "" if status == Status.FINISHED else f"{self.path}: status {status}: its best epoch so far is used"

    @property
    def temperature(self) -> float:
        """T of the probabilities softmax(z/T); 1 where none was found."""
        return 1.0 if self.summary.temperature is None else self.summary.temperature

    @property
    def about_probabilities(self) -> str:
        """What the probabilities mean, in words."""
        return NOT_CALIBRATED if self.summary.temperature is None else CALIBRATED

    def probabilities(self, split: Split) -> Array:
        """Return the probabilities of the classes for each image of a split: (images, classes), each row's sum is 1.

        They are those at the run's temperature. Costs, predictions.npz and committees have none.
        """
        return probabilities(self.network, split, self.temperature)


def find_best_run(sweep: Path) -> Path:
    """Return the finished run of a sweep with the highest validation accuracy; of equal ones the lowest cost.

    Raises:
        RunDirError: there is none.
    """
    from npdigits.runs.table import read_runs  # pandas takes longer to import than all that a run needs

    table = read_runs([sweep]).table
    table = table[(table.status == Status.FINISHED) & table.val_accuracy.notna()]
    # Of a race the confirmation's runs stand for its settings: the best of its search is the luckiest of hundreds.
    table = table[table.race_part != SEARCH] if (table.race_part != SEARCH).any() else table
    if table.empty:
        raise RunDirError(f"{sweep / 'best'}: no finished run there has validation figures to choose by")
    ranked = table.sort_values(["val_accuracy", "val_cost", "run"], ascending=[False, True, True])
    return Path(ranked.run.iloc[0])


def run_of(path: Path) -> Path:
    """Return the run directory that is meant: ``SWEEP/best`` is the best run of a sweep or a race (``find_best_run``).

    Raises:
        RunDirError: it is a folder of several runs, or there is no best.
        ConfigError: there is no such sweep.
    """
    if path.name == "best" and not path.exists():
        path = find_best_run(path.parent)
    if path.is_dir() and not (path / "summary.json").exists():
        if (path / DEFINITION).is_file():
            which = "the best of its confirmations, or of its search"
            raise RunDirError(f"{path}: the folder of a race: name one of its runs, or {path / 'best'}, {which}")
        if any(path.glob("*/summary.json")):
            best = path / "best"
            raise RunDirError(f"{path}: a folder of runs: name one of its runs, or {best}, the best by validation")
    return path


def load_trained(path: Path, trust: bool = False, say: Callable[[str], None] | None = None) -> Trained:
    """Read a run directory that has a best epoch; or one that is meant (``run_of``).

    Args:
        path: the run directory.
        trust: whether own code that it keeps may be executed; an own activation must be.
        say: is told what is trusted, with its SHA-256.

    Raises:
        RunDirError: it is no run directory, has no best epoch yet, or a file is damaged.
        ConfigError: there is no such sweep.
        UntrustedError: it keeps own code that the network needs, and is not trusted.
    """
    path = run_of(path)
    summary = read_summary(path)
    best = path / "checkpoints" / "best.npz"
    try:
        best.lstat()
    except (FileNotFoundError, NotADirectoryError):
        raise RunDirError(f"{path}: has no best epoch yet (status {summary.status})") from None
    except OSError as error:
        raise RunDirError(f"{best}: cannot be read: {error.strerror}") from error
    try:
        config = parse_run_config(load_config(path), read_kept(path, trust, say))
        for name in (name for name in ("identity", "data", "data_sha256", "image_shape") if not getattr(summary, name)):
            raise ValueError(f"summary.json has no {name}")
        _check_config(config, load_identity(path), summary.data_sha256)
        fits = fits_network(config.hidden, math.prod(summary.image_shape or ()), config.dtype)
        arrays = opened(best, fits)
        if arrays["identity"].tobytes().decode() != summary.identity:
            raise ValueError("checkpoints/best.npz is another run's")
        layers = sum(name.startswith("W") for name in arrays)
        sizes = (arrays["W1"].shape[1], *(len(arrays[f"W{i + 1}"]) for i in range(layers)))
        network = empty_network(config, sizes)
        for name, view in network.parameters.named().items():
            if arrays[name].shape != view.shape:
                raise ValueError(f"{name} has shape {arrays[name].shape}, not {view.shape}")
            view[...] = arrays[name]
        if not np.isfinite(network.parameters.flat).all():
            raise ValueError("checkpoints/best.npz holds numbers that are not finite")
        summary.meaning(sizes[-1])
    except OSError as error:
        raise RunDirError(f"{error.filename or path}: cannot be read: {error.strerror}") from error
    except ConfigError as error:
        # From Python nobody else escapes what a file of a run holds before a traceback shows it.
        why = printable(join_lines(str(error)))
        raise RunDirError(f"{path}/config.yaml: {why}: made by another version of npdigits?") from error
    except (ValueError, KeyError, IndexError) as error:
        why, inside = str(error), f"{path}/"
        start = inside if why.startswith(inside) else f"{path}: damaged: "  # what names its file is not named twice
        raise RunDirError(start + printable(join_lines(why.removeprefix(inside)))) from error
    return Trained(path, network, config, summary)


def _check_config(config: Config, kept: dict[str, Any], data_sha256: str) -> None:
    """Refuse a configuration that is not the one the run was made by, as an edited file's.

    Raises:
        ValueError: says in what they differ.
    """
    # Weights are used as they are, whatever version of the code computed them.
    kept, described = canonical(kept), identity(config, data_sha256) | {"numerics": kept.get("numerics")}
    if differences(kept, described):
        raise ValueError(f"config.yaml is not what the run was made by: {describe_differences(kept, described)}")
