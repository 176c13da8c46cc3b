"""The trial of an export before it is written: its answers must be the network's."""

import dataclasses

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.errors import ConfigError
from npdigits.config.own_names import shorten
from npdigits.data.sets import Split
from npdigits.nn.network import Network, Parameters
from npdigits.runs.trained import Trained
from npdigits.training.scoring import probabilities

# So many units of the first layer are driven to both of their ends; so many images are noise.
UNITS, NOISE = 32, 32
# Probabilities may be off by OFF, and by TIMES the network's own rounding.
OFF, TIMES = 1e-5, 8


def trial_images(run: Trained) -> Array:
    """Return images to try a network on, bytes of shape (n, pixels): blank, full, noise, and two for some units each.

    The latter bring the unit's sum as far above 0, and as far below, as any image can.
    """
    rng, pixels = np.random.default_rng(0), run.sizes[0]
    ends = np.array([np.zeros(pixels), np.full(pixels, 255)])
    noise = rng.integers(0, 256, (NOISE, pixels)) * (rng.random((NOISE, pixels)) < np.linspace(0.02, 1, NOISE)[:, None])
    wanted = run.network.parameters.weights[0][:UNITS] > 0
    return np.concatenate([ends, noise, 255 * wanted, 255 * ~wanted]).astype(np.uint8)


def in_float64(network: Network) -> Network:
    """Return the same network with parameters of float64."""
    parameters = Parameters(network.parameters.sizes, "float64")
    parameters.flat[...] = network.parameters.flat
    return dataclasses.replace(network, parameters=parameters)


def refuse_other_answers(option: str, run: Trained, shown: Array, p: Array, digits: Array | None = None) -> None:
    """Refuse to write an export that does not answer as the network does, but for rounding.

    Args:
        option: by which the export is asked for.
        run: whose network it is.
        shown: images, bytes of shape (n, pixels).
        p: the export's probabilities, shape (n, classes), computed in the network's type or in float64.
        digits: the export's digits, shape (n,); None if it gives none.

    Raises:
        ConfigError: says how far it is off.
    """
    split = Split(shown, np.zeros(len(shown), np.intp), np.arange(len(shown)))
    with one_thread(), np.errstate(all="ignore"):  # the results are checked below
        ours, exact = (probabilities(one, split, run.temperature) for one in (run.network, in_float64(run.network)))
    where = f"--{option}: {run.path}"
    if not np.isfinite(ours).all():
        raise ConfigError(f"{where}: nothing is written, as of some images the network itself makes no numbers")
    reference = ours if p.dtype == ours.dtype else exact
    allowed = OFF + TIMES * float(np.abs(reference - exact).max())
    off = float(np.abs(p - reference).max()) if p.shape == reference.shape else np.inf
    if not off <= allowed:
        raise ConfigError(
            f"{where}: nothing is written, as the file's probabilities would be off by {off:.3g} (allowed are "
            f"{allowed:.1g}): it does not compute what activation={shorten(run.config.activation)} is here"
        )
    ranked = np.sort(reference, axis=1)
    sure = ranked[:, -1] - ranked[:, :-1].max(axis=1, initial=0) > 2 * allowed
    if digits is not None and (digits.shape != sure.shape or (digits != reference.argmax(axis=1))[sure].any()):
        raise ConfigError(f"{where}: nothing is written, as the file would say other digits than the network")
