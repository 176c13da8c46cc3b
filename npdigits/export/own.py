"""A run's own activation: its formula for an export, and the images that the export is tried on."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError, UserError
from npdigits.config.own_names import shorten
from npdigits.export import proof
from npdigits.export.expression import UntraceableError
from npdigits.export.formula import Formula, own_formula
from npdigits.runs.evaluation import load_test_set
from npdigits.runs.trained import Trained

# So many digits an export with an own activation is tried on.
DIGITS = 1000
# option -> what a formula is written as
LANGUAGES = {"onnx": "ONNX operators", "html": "JavaScript"}


def own_activation(
    run: Trained,
) -> tuple[Callable[..., Any], Mapping[str, Any] | Iterable[tuple[str, Any]]] | None:
    """Return the run's own activation, f(z, **numbers), and its numbers; None where the activation is a built-in."""
    component = run.config.own_component("activation")
    return (component.function(), component.numbers) if component else None


def formula_of(option: str, run: Trained) -> Formula | None:
    """Return the formula of the run's own activation; None where it has none, or no hidden layer.

    Args:
        option: by which the export is asked for.
        run: whose activation it is.

    Raises:
        ConfigError: it has no formula that can be written there.
    """
    own = own_activation(run) if run.config.hidden else None
    if own is None:
        return None
    try:
        return own_formula(*own, run.network.parameters.flat.dtype)
    except UntraceableError as error:
        raise ConfigError(
            f"--{option}: {run.path}: activation={shorten(run.config.activation)}: {error} cannot be written as "
            f"{LANGUAGES[option]}; nothing is written"
        ) from error


def images_to_try(run: Trained, own: Formula | None) -> Array:
    """Return the images that an export is tried on, bytes of shape (n, pixels); with an own activation digits too."""
    trial = proof.trial_images(run)
    return trial if own is None else np.concatenate([trial, _digits(run)])


def _digits(run: Trained) -> Array:
    """Return ``DIGITS`` images of the run's data, test digits first, as bytes; noise where it is not at hand."""
    noise = np.random.default_rng(1).integers(0, 256, (DIGITS, run.sizes[0]), np.uint8)
    try:
        found = load_test_set([run], (), lambda said: None)
    except UserError:
        return noise
    digits = np.concatenate([split.images[split.first(DIGITS).rows] for split in (found.test, found.train)])
    some: Array = np.rint(digits[:DIGITS]).astype(np.uint8)
    return some
