"""Two runs are the same run when all that can change a result is the same, and only then."""

import dataclasses
import hashlib
import json

import pytest

from npdigits import cli
from npdigits import identity as module
from npdigits.identity import NOT_PART, digest, identity

SHA256 = "a" * 64
CONFIG = cli.compose()
# For every key that counts, a value that is not the default.
OTHER = {
    "hidden": (21,),
    "activation": "relu",
    "leak": 0.02,
    "initializer": "zeros",
    "init_scale": 0.5,
    "optimizer": "sgd",
    "betas": (0.9, 0.99),
    "eps": 1e-7,
    "momentum": 0.5,
    "rho": 0.9,
    "lr": 0.02,
    "schedule": "step",
    "lr_decay": 0.8,
    "decay_every": 3,
    "warmup": 1,
    "batch_size": 33,
    "epochs": 26,
    "l2": 0.1,
    "weight_decay": 0.0,
    "stop_on": "gap",
    "patience": 6,
    "min_delta": 2e-4,
    "window": 6,
    "val_size": 0,
    "score_size": 100,
    "output": "sigmoid",
    "cost": "mse",
    "dropout": (0.5,),
    "input_dropout": 0.2,
    "max_norm": 3.0,
    "augment": "elastic",
    "alpha": 34.0,
    "sigma": 4.0,
    "rotation": 10.0,
    "scale": 0.1,
    "shear": 5.0,
    "shift": 1.0,
    "seed": 1,
    "dtype": "float64",
    "threads": 2,
}
WITHOUT_EFFECT = {
    "name": "a sweep",
    "workers": 2,
    "out": "elsewhere",
    "resume": "elsewhere",
    "plots": False,
    "quiet": True,
    "data": dataclasses.replace(CONFIG.data, name="idx", root="a", dir="b", mirror="c", fallback=None),
}


def of(config, sha256=SHA256):
    return digest(identity(config, sha256))


def test_every_key_is_either_part_of_the_identity_or_listed_as_not():
    fields = {field.name for field in dataclasses.fields(CONFIG)}
    assert set(OTHER) | set(WITHOUT_EFFECT) == fields
    assert set(WITHOUT_EFFECT) == NOT_PART
    assert set(identity(CONFIG, SHA256)) == set(OTHER) | {"data_sha256", "numerics"}


@pytest.mark.parametrize("key", OTHER)
def test_a_key_that_can_change_a_result_makes_another_run(key):
    assert OTHER[key] != getattr(CONFIG, key)
    assert of(dataclasses.replace(CONFIG, **{key: OTHER[key]})) != of(CONFIG)


@pytest.mark.parametrize("key", WITHOUT_EFFECT)
def test_a_key_that_cannot_change_a_result_does_not(key):
    assert WITHOUT_EFFECT[key] != getattr(CONFIG, key)
    assert of(dataclasses.replace(CONFIG, **{key: WITHOUT_EFFECT[key]})) == of(CONFIG)


def test_other_data_or_other_numerics_make_another_run(monkeypatch):
    before = of(CONFIG)
    assert of(CONFIG, "b" * 64) != before
    monkeypatch.setattr(module, "NUMERICS", module.NUMERICS + 1)
    assert of(CONFIG) != before


@pytest.mark.parametrize(
    ("one", "same"),
    [
        (["hidden=20"], ["hidden=[20]"]),
        (["initializer=xavier"], ["initializer=xavier_normal"]),
        (["lr=1"], ["lr=1.0"]),
        (["lr=0.01"], ["lr=1e-2"]),
        (["betas=[0,0.5]"], ["betas=[0.0,0.5]"]),
        (["stop_on=gap"], ["stop_on=gap", "min_delta=0.03"]),
        (["val_size=0"], ["val_size=0", "stop_on=none"]),
        (["hidden=[30,20]", "dropout=0.5"], ["hidden=[30,20]", "dropout=[0.5,0.5]"]),
        (["seed=3", "l2=0.1"], ["l2=0.1", "seed=3"]),
    ],
)
def test_two_ways_to_write_one_experiment_are_one_run(one, same):
    assert of(cli.compose(one)) == of(cli.compose(same))


def test_the_digest_is_the_sha256_of_the_sorted_json():
    """So that another process, another day, another order of the keys finds the same."""
    value = {"b": 1e-8, "a": [1, None, "ä"]}
    expected = hashlib.sha256(b'{"a": [1, null, "\\u00e4"], "b": 1e-08}').hexdigest()
    assert digest(value) == digest(dict(sorted(value.items()))) == expected


def test_an_identity_survives_json():
    kept = identity(CONFIG, SHA256)
    assert digest(json.loads(json.dumps(kept))) == digest(kept)
