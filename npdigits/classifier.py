"""A network as a scikit-learn estimator, over the same configuration, network and training as a run's.

::

    clf = npdigits.Classifier.load("outputs/…")            # the best epoch of a run
    clf.predict(images)                                    # bytes 0 … 255 or floats 0 … 1; (n, 28, 28) or (n, 784)
    npdigits.Classifier(hidden=20, lr=0.01).fit(X, y)      # any features, any labels
"""

import inspect
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from npdigits.base import own_code, portable
from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.errors import ConfigError, OwnCodeError, WorkersError
from npdigits.config.build import BYTES, check_fit, empty_network, initial_state, recipe
from npdigits.config.compose import defaults
from npdigits.config.former import ABSENT
from npdigits.config.keys import TABLE
from npdigits.config.schema import Config, parse_config
from npdigits.config.seeds import seed_of
from npdigits.data.samples import OF_BYTES, are_bytes, features_as, flatten_images, images_as, scale_of
from npdigits.data.sets import Data, Split, hold_out
from npdigits.forms.found import Meaning
from npdigits.forms.recorded import as_recorded, warn_of_faint
from npdigits.runs import trained
from npdigits.training.loop import fit
from npdigits.training.passes import Diverged
from npdigits.training.scoring import probabilities
from npdigits.training.state import Epoch

# A seed that is drawn is below this, as scikit-learn draws it.
MOST_DRAWN = 2**31 - 1
# Parameters that are no keys of a run.
NO_KEYS = ("own", "random_state")


class Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A fully connected network, trained as ``npdigits.train`` trains it.

    The parameters are the keys of a run, with their meaning and their defaults (``python -m npdigits.train --help``).
    ``val_size=None`` holds out a sixth of the samples, to stop by and to choose the best epoch; 0 trains on all of
    them. A ``batch_size`` above their number becomes their number. Fitting the same data twice gives the same bits.

    ``random_state`` is the seed's name in scikit-learn, whose meta-estimators vary nothing else. A whole number
    replaces ``seed``; each fit draws one from a RandomState or a Generator; None leaves ``seed``. What ``split_seed``,
    ``initialization_seed`` or ``order_seed`` seeds stays as it is.

    ``activation``, ``cost``, ``initializer``, ``optimizer``, ``schedule`` and ``stop_on`` take a function of your own,
    ``mine.swish``, or its place, "mine.py:swish". ``own`` are the values of its numbers: {"swish.beta": 1.5}.

    X is (samples, features), which are not scaled: do it before (``StandardScaler``). Or it is images, (samples,
    height, width), whole numbers 0 (paper) … 255 (ink) of any type, or floats 0 … 1; a network trained on images, as
    that of every run, reads them flat as well, also as a data frame. Whole numbers that are 0 and 1 only are read by
    the scale of the images that it was trained on, never by what else X holds.

    A run whose data had another scale, such as 0 … 16, was inverted or stored by columns has recorded that
    (``data=file``): its classifier takes X as those data are stored, and gives their labels.

    The defaults are made for MNIST: small tables want smaller batches and more epochs.

    Attributes:
        classes_: the labels, sorted, of a run as its data have them; the columns of ``predict_proba``.
        n_features_in_: features, or pixels.
        image_shape_: (height, width) of the images; None where it was trained on features.
        n_iter_: epochs.
        history_: the records of all epochs, a list of dictionaries.
        weights_, biases_: of each layer, (nₗ, nₗ₋₁) and (nₗ,): the best epoch's.
        temperature_: T of ``predict_proba``, softmax(z/T): a run's; 1 after ``fit`` (see ``CalibratedClassifierCV``).
    """

    # Of the images that it was trained on: (paper, ink), and what a run recorded; earlier pickles lack them.
    _scale: tuple[float, float] = OF_BYTES
    _reading: Meaning | None = None
    temperature_: float = 1.0

    def __init__(self, *values: Any, **named: Any) -> None:
        # Kept unchanged: scikit-learn's clone compares them. ``fit`` checks them.
        given = SIGNATURE.bind(self, *values, **named)
        given.apply_defaults()
        for name in (*parameters(), *NO_KEYS):
            setattr(self, name, given.arguments[name])

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickled estimator; earlier ones lack some parameters."""
        later = {name: value for name, value in ABSENT.items() if name in parameters()}
        super().__setstate__({**later, **dict.fromkeys(NO_KEYS)} | state)

    @classmethod
    def load(cls, run: str | os.PathLike[str], trust: bool = False) -> Self:
        """Return the classifier that a run directory holds: the best epoch's network.

        Args:
            run: the directory.
            trust: whether own code that it keeps may be executed.

        Raises:
            RunDirError: it is no run directory, has no best epoch yet, or a file is damaged.
            UntrustedError: its network needs own code that it keeps, and is not trusted.
        """
        found = trained.load_trained(Path(run), trust)
        values = found.config.as_dict()
        if trust:  # else the marked names stay, by which ``fit`` finds no code to execute
            for component in found.config.own:
                values[component.key] = f"{component.code.place}:{component.code.name}"
        ours = [component for component in found.config.own if component.key in parameters()]
        numbers = {key: number for component in ours for key, number in component.keys.items()}
        self = cls(**{name: _as_typed(values[name]) for name in parameters()}, own=numbers or None)
        self._reading = found.meaning if found.summary.reading else None
        self._scale = found.meaning.range
        self.temperature_ = found.temperature
        self.classes_ = np.array(found.meaning.values)
        self.n_features_in_ = found.sizes[0]
        self.n_iter_ = found.summary.epochs_run or 0
        self.image_shape_ = found.summary.height_and_width
        self._set_fitted(found.config, found.network.parameters.weights, found.network.parameters.biases)
        return self

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on samples X, shape (n, features) or (n, height, width), and their labels y, shape (n,).

        Raises:
            ValueError: a parameter, the shape or a value is not allowed, the cost stopped being finite, or this process
                does not compute portably, which ``portable=True`` asks for.
        """
        flat, shape = flatten_images(X)
        flat, y = validate_data(self, flat, y, dtype=None if are_bytes(flat) else "numeric")
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        self.image_shape_, self.temperature_ = shape, 1.0
        self._reading, self._scale = None, scale_of(flat) if shape else OF_BYTES
        config = self._config(len(flat))
        inputs = self._inputs(flat, config)
        samples = Split(inputs, labels.astype(np.intp), np.arange(len(inputs)))
        if shape is None and config.augment != "none":
            raise ValueError(f"augment={config.augment}: allowed with images only, (samples, height, width)")
        shape = shape or (1, inputs.shape[1])
        names = tuple(map(str, self.classes_))
        source = Data("X", "", samples, samples.first(0), shape, len(names), len(inputs) // 6, classes=names)
        sizes = (inputs.shape[1], *config.hidden, len(self.classes_))
        with one_thread():
            try:
                train, val = hold_out(source, config.val_size, seed_of(config, "split"))
                check_fit(config, sizes, len(train), source)
                state = initial_state(config, sizes, self._input_scale())
                records = list(fit(state, train, val, source.test, recipe(config, shape)))
            except (ConfigError, OwnCodeError, WorkersError, Diverged) as error:
                raise ValueError(str(error)) from error
        assert state.best is not None
        state.network.parameters.flat[...] = state.best
        self.n_iter_ = len(records)
        self.history_ = [_without_test(record) for record in records]
        self._set_fitted(config, state.network.parameters.weights, state.network.parameters.biases)
        return self

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each class, shape (n, classes), in the order of ``classes_``.

        Raises:
            ValueError: the shape is not that of the samples that it was trained on, or the values are not.
        """
        check_is_fitted(self)
        flat, shape = flatten_images(X)
        stored = self.image_shape_ if self._reading is None else self._reading.stored_shape
        if shape is not None and shape != stored:
            takes = "features" if stored is None else "images of {} × {}".format(*stored)
            raise ValueError("X holds images of {} × {}, this network takes {}".format(*shape, takes))
        dtype = None if are_bytes(flat) else "numeric"
        if stored is not None:  # pixels have no names that could be compared
            flat = check_array(flat, dtype=dtype, estimator=self)
        flat = validate_data(self, flat, dtype=dtype, reset=False)
        inputs = self._inputs(flat, self._fitted)
        if stored is not None:
            warn_of_faint(flat, inputs)
        sizes = (self.n_features_in_, *self._fitted.hidden, len(self.classes_))
        network = empty_network(self._fitted, sizes, self._input_scale())
        views = [*network.parameters.weights, *network.parameters.biases]
        for view, array in zip(views, [*self.weights_, *self.biases_], strict=True):
            view[...] = array
        with one_thread():
            n = len(inputs)
            return probabilities(network, Split(inputs, np.zeros(n, np.intp), np.arange(n)), self.temperature_)

    def predict(self, X: ArrayLike) -> Array:
        """Return the most probable label of each sample, shape (n,).

        Raises:
            ValueError: as ``predict_proba``.
        """
        best = self.predict_proba(X).argmax(axis=1)
        labels: Array = self.classes_[best]
        return labels

    def _input_scale(self) -> float:
        """Return the factor that brings the inputs to the network's scale."""
        return BYTES if self.image_shape_ else 1.0

    def _inputs(self, flat: Array, config: Config) -> Array:
        """Return samples as the network reads them: images on the scale of bytes, features as floats."""
        if self.image_shape_ is None:
            return features_as(flat, config.dtype)
        if self._reading is None:
            return images_as(flat, config.dtype, self._scale)
        return as_recorded(flat, config.dtype, self._reading)

    def _set_fitted(self, config: Config, weights: Sequence[Array], biases: Sequence[Array]) -> None:
        self._fitted = config
        self.weights_, self.biases_ = [w.copy() for w in weights], [b.copy() for b in biases]

    def _config(self, n: int) -> Config:
        """Return the configuration of these parameters for n samples, checked.

        Raises:
            ValueError: a parameter is not allowed, or wants a process that computes otherwise.
        """
        try:
            values = defaults() | {name: _as_yaml(getattr(self, name)) for name in parameters()} | dict(self.own or {})
        except OwnCodeError as error:
            raise ValueError(str(error)) from error
        if self.random_state is not None:
            values["seed"] = draw_seed(self.random_state)
        try:
            config = parse_config(values)
            if config.portable:
                portable.require()
            left = n - (n // 6 if config.val_size is None else config.val_size)
            return parse_config(values | {"batch_size": min(config.batch_size, max(left, 1))})
        except (ConfigError, OwnCodeError) as error:
            raise ValueError(str(error)) from error


def _without_test(record: Epoch) -> dict[str, Any]:
    """Return an epoch's record without what is of the test set, which a classifier has not, and of the user's own."""
    return {key: value for key, value in vars(record).items() if "test" not in key and key != "own"}


def parameters() -> tuple[str, ...]:
    """Return the names of the classifier's parameters that are keys of a run."""
    return tuple(name for name, key in TABLE.items() if key.estimator)


def _signature() -> inspect.Signature:
    """Return the signature of ``Classifier.__init__``: the keys of a run that are parameters, with their defaults."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    values = defaults()
    keys = [inspect.Parameter(name, kind, default=_as_default(values[name])) for name in parameters()]
    more = [inspect.Parameter(name, kind, default=None) for name in NO_KEYS]
    return inspect.Signature([inspect.Parameter("self", kind), *keys, *more])


def _as_default(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


# Which scikit-learn reads: the parameters are made from the table of keys, and have no other list.
SIGNATURE = _signature()
Classifier.__init__.__signature__ = SIGNATURE  # type: ignore[attr-defined]


def draw_seed(random_state: Any) -> int:
    """Return the seed that a ``random_state`` gives.

    Raises:
        ValueError: it is none.
    """
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(MOST_DRAWN))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(MOST_DRAWN))
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool) and random_state >= 0:
        return int(random_state)
    allowed = "None, a whole number ≥ 0, a numpy.random.RandomState or a numpy.random.Generator"
    raise ValueError(f"random_state={random_state}: allowed is {allowed}")


def _as_yaml(value: Any) -> Any:
    """Return a parameter as YAML would hold it; searches pass NumPy scalars and arrays."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if callable(value):
        return own_code.of_function(value).spec
    return [_as_yaml(item) for item in value] if isinstance(value, tuple | list) else value


def _as_typed(value: Any) -> Any:
    """Return a parameter of a run as one would type it: one hidden layer as its size, betas as a pair."""
    if isinstance(value, list):
        return value[0] if len(value) == 1 else tuple(value)
    return value
