"""What is exported is tried before it is written: its answers are held to the network's own."""

import dataclasses

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.errors import ConfigError
from npdigits.data.sets import Split
from npdigits.nn.network import Network, Parameters
from npdigits.runs.trained import Trained
from npdigits.training.passes import probabilities

# Of the first layer so many units are driven to both of their ends; and so many images are noise.
UNITS, NOISE = 32, 32
# How far probabilities may be off, and how many times as far as the network's own rounding takes them.
OFF, TIMES = 1e-5, 8


def images(run: Trained) -> Array:
    """Return images to try a network on, bytes of shape (n, pixels): blank, full, noise, and what single units want.

    The latter bring a unit's sum as far above 0, or below, as any image can.
    """
    rng, pixels = np.random.default_rng(0), run.sizes[0]
    ends = np.array([np.zeros(pixels), np.full(pixels, 255)])
    noise = rng.integers(0, 256, (NOISE, pixels)) * (rng.random((NOISE, pixels)) < np.linspace(0.02, 1, NOISE)[:, None])
    wanted = run.network.parameters.weights[0][:UNITS] > 0
    return np.concatenate([ends, noise, 255 * wanted, 255 * ~wanted]).astype(np.uint8)


def in_float64(network: Network) -> Network:
    """Return the same network, whatever it computes in, in float64."""
    parameters = Parameters(network.parameters.sizes, "float64")
    parameters.flat[...] = network.parameters.flat
    return dataclasses.replace(network, parameters=parameters)


def hold(option: str, run: Trained, shown: Array, p: Array, digits: Array | None = None) -> None:
    """Refuse to write what does not answer as the network does, but for rounding.

    Args:
        option: under which it is to be written.
        run: whose network it is.
        shown: images, bytes of shape (n, pixels).
        p, digits: what was answered, computed as the network computes, or in float64: probabilities, shape
            (n, classes), and, where it says them, digits, shape (n,).

    Raises:
        ConfigError: says how far it is off.
    """
    split = Split(shown, np.zeros(len(shown), np.intp), np.arange(len(shown)))
    with one_thread(), np.errstate(all="ignore"):  # what comes of it is looked at below
        ours, exact = probabilities(run.network, split), probabilities(in_float64(run.network), split)
    where = f"--{option}: {run.path}"
    if not np.isfinite(ours).all():
        raise ConfigError(f"{where}: nothing is written, as of some images the network itself makes no numbers")
    reference = ours if p.dtype == ours.dtype else exact
    allowed = OFF + TIMES * float(np.abs(reference - exact).max())
    off = float(np.abs(p - reference).max()) if p.shape == reference.shape else np.inf
    if not off <= allowed:
        raise ConfigError(
            f"{where}: nothing is written, as the file's probabilities would be off by {off:.3g} (allowed are "
            f"{allowed:.1g}): it does not compute what activation={run.config.activation} is here"
        )
    ranked = np.sort(reference, axis=1)
    sure = ranked[:, -1] - ranked[:, :-1].max(axis=1, initial=0) > 2 * allowed
    if digits is not None and (digits.shape != sure.shape or (digits != reference.argmax(axis=1))[sure].any()):
        raise ConfigError(f"{where}: nothing is written, as the file would say other digits than the network")
