"""Two runs are the same run when all that can change a result is the same, and only then."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest

from npdigits.base.random import stream
from npdigits.config import identity as module
from npdigits.config.build import initial_state, ranges, recipe
from npdigits.config.compose import compose
from npdigits.config.dependence import renamed, unread, without_effect
from npdigits.config.identity import (
    ABSENT,
    NOT_PART,
    UNREAD,
    as_of_today,
    canonical,
    describe_differences,
    differences,
    digest,
    identity,
    in_canonical_form,
)
from npdigits.config.seeds import seed_of
from npdigits.data import sets
from npdigits.data.augmentation import Augmentation
from npdigits.nn.optimizers import OPTIMIZERS
from npdigits.runs import metrics
from npdigits.training.loop import fit

SHA256 = "a" * 64
CONFIG = compose()
# Of MNIST: training digits, and how many of them it holds out by itself.
DIGITS, VAL_SIZE = 60_000, 10_000
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
    "nesterov": True,
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
    "metrics": ("top@" + "a" * 64,),
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
    "added_strokes": 0.3,
    "seed": 1,
    "split_seed": 2,
    "initialization_seed": 3,
    "order_seed": 4,
    "dtype": "float64",
    "portable": True,
}
# What else it takes for a key to be read, where that is not so by default.
READ_WITH = {
    "momentum": {"optimizer": "sgd"},
    "nesterov": {"optimizer": "sgd", "momentum": 0.5},
    "rho": {"optimizer": "rmsprop"},
    "decay_every": {"schedule": "step"},
    **{key: {"augment": "affine"} for key in ("rotation", "scale", "shear", "shift")},
    **{key: {"augment": "elastic"} for key in ("alpha", "sigma")},
}
WITHOUT_EFFECT = {
    "threads": 2,
    "name": "a sweep",
    "workers": 2,
    "out": "elsewhere",
    "resume": "elsewhere",
    "check_gradient": False,
    "trust": True,
    "plots": False,
    "track": "tensorboard",
    "inspect": True,
    "history": "all",
    "quiet": True,
    "data": dataclasses.replace(CONFIG.data, name="idx", root="a", dir="b", mirror="c", fallback=None),
}


# For every key that may not be read: with what it is not, and how another value is typed.
NOT_READ_WITH = {
    **{key: ["hidden=[]"] for key in ("activation", "leak", "dropout", "max_norm")},
    **{key: ["initializer=zeros"] for key in ("init_scale", "initialization_seed")},
    **{key: ["optimizer=sgd"] for key in ("betas", "eps", "rho")},
    "momentum": [],
    "nesterov": [],
    **{key: ["schedule=cosine"] for key in ("lr_decay", "decay_every")},
    **{key: ["augment=affine"] for key in ("alpha", "sigma")},
    **{key: [] for key in ("rotation", "scale", "shear", "shift")},
    **{key: ["stop_on=none"] for key in ("patience", "min_delta")},
    "window": ["val_size=0"],
}
TYPED = {
    **{key: OTHER[key] for key in UNREAD},
    **{"betas": "[0.9,0.99]", "dropout": "0.5"},
}


def of(config, sha256=SHA256):
    return digest(identity(in_canonical_form(config, DIGITS, VAL_SIZE), sha256))


def of_numerics_5(config, threads=1):
    """Return the digest of the identity that a version before numerics 6 writes, of which ``threads`` was a part."""
    this = identity(in_canonical_form(config, DIGITS, VAL_SIZE), SHA256) | {"numerics": 5, "threads": threads}
    assert canonical(this, DIGITS, VAL_SIZE) == this
    return digest(canonical(this, DIGITS, VAL_SIZE))


def test_every_key_is_either_part_of_the_identity_or_listed_as_not():
    fields = {field.name for field in dataclasses.fields(CONFIG)} - {"own"}
    assert set(OTHER) | set(WITHOUT_EFFECT) == fields
    assert set(WITHOUT_EFFECT) == NOT_PART
    assert set(identity(CONFIG, SHA256)) == set(OTHER) - set(ABSENT) | {"data_sha256", "numerics"}


@pytest.mark.parametrize("key", OTHER)
def test_a_key_that_can_change_a_result_makes_another_run(key):
    where_read = dataclasses.replace(CONFIG, **READ_WITH.get(key, {}))
    assert OTHER[key] != getattr(where_read, key)
    assert of(dataclasses.replace(where_read, **{key: OTHER[key]})) != of(where_read)


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
        (["l2=0"], ["l2=-0.0"]),
        (["betas=[0,0.5]"], ["betas=[-0.0,0.5]"]),
        (["hidden=[30,20]", "dropout=[0.5,0]"], ["hidden=[30,20]", "dropout=[0.5,-0.0]"]),
        ([], ["momentum=0.9"]),
        ([], ["rho=0.5", "decay_every=3", "rotation=3", "sigma=2"]),
        (["optimizer=sgd"], ["optimizer=sgd", "betas=[0,0]", "eps=1", "rho=0"]),
        (["activation=tanh"], ["activation=tanh", "leak=0.5"]),
        (["initializer=zeros"], ["initializer=zeros", "init_scale=2"]),
        (["schedule=cosine"], ["schedule=cosine", "lr_decay=0.5"]),
        (["stop_on=none"], ["stop_on=none", "patience=1", "min_delta=1"]),
        (["val_size=0"], ["val_size=0", "stop_on=gap", "patience=1", "min_delta=1", "window=9"]),
        (["hidden=[]"], ["hidden=[]", "activation=tanh", "dropout=0.5", "max_norm=1"]),
        (["augment=affine"], ["augment=elastic", "alpha=0", "sigma=2"]),
        ([], ["val_size=10000"]),
        ([], ["score_size=50000"]),
        (["val_size=0"], ["val_size=0", "score_size=60000"]),
    ],
)
def test_two_ways_to_write_one_experiment_are_one_run(one, same):
    assert of(compose(one)) == of(compose(same))


def test_the_digest_is_the_sha256_of_the_sorted_json():
    """So that another process, another day, another order of the keys finds the same."""
    value = {"b": 1e-8, "a": [1, None, "ä"]}
    expected = hashlib.sha256(b'{"a": [1, null, "\\u00e4"], "b": 1e-08}').hexdigest()
    assert digest(value) == digest(dict(sorted(value.items()))) == expected


def test_an_identity_survives_json():
    kept = identity(CONFIG, SHA256)
    assert digest(json.loads(json.dumps(kept))) == digest(kept)


@pytest.mark.parametrize(
    ("typed", "before"),
    [
        ([], "a49aea8c0d15b0be10681c9315fc6a9dcef8960c4b9980fc0cd031ca45257a6a"),
        (["stop_on=none"], "dcadb3221b48bab265f73eea38817cf2255bd7c561e55609df7c4a903537c83e"),
        (["val_size=0"], "e938079bdeacebb1f88802ee037c9735b7689995a298f5b7eea63e7ef1746ee8"),
        (["optimizer=sgd", "lr=0.1"], "561db096a73116b3e20ab1bd7ef325ab528640bb123fd4eb507c639bdbeda14c"),
        (["hidden=[]"], "0a2fba4d99353a2fcd7bbaa735d2f5ab0edeedc6b7cbc1321bd3576b1fd32e64"),
        (["augment=affine"], "6f77626360ce3e05259ee62b35dac7f5b1fb1d4e25cf641b21f034893c769475"),
        (["schedule=cosine"], "ac39b5ccf0dd947e1fa7eae6254970516ac454263276e812eedda0d002c68081"),
        (["activation=tanh"], "b84e3b471d4dd1918eeed434cd85dfef0e198025b4522af11220340ad09a4168"),
        (
            ["experiment=published/ciresan_5_layers", "threads=2"],
            "bb81f177404e75fed8ac2cb16f86c5d0a787e3f9bab2db04b2ec4114e9b1a024",
        ),
    ],
)
def test_runs_keep_the_digest_that_they_had_before_there_was_a_canonical_form(typed, before):
    """These were printed by the commit before it. A version that computes other bits begins other runs by itself."""
    config = compose(typed)
    assert of_numerics_5(config, config.threads or 1) == before != of(config)


def test_no_zero_has_a_sign_as_it_is_typed_nor_as_it_was_kept():
    """Each by itself: what a release before kept, and what config.yaml and a run's name are made of."""
    kept = canonical({"l2": -0.0, "betas": [-0.0, 0.5], "dropout": (-0.0,)})
    assert json.dumps(kept) == '{"l2": 0.0, "betas": [0.0, 0.5], "dropout": [0.0]}'
    config = compose(["l2=-0.0", "betas=[-0.0,0.5]", "dropout=-0.0"])
    assert (str(config.l2), str(config.betas), str(config.dropout)) == ("0.0", "(0.0, 0.5)", "(0.0,)")


def test_a_key_that_is_not_read_stands_at_its_default():
    defaults = compose(["stop_on=none"]).as_dict()
    assert {key: defaults[key] for key in UNREAD} == UNREAD


@pytest.mark.parametrize("key", UNREAD)
def test_a_key_that_is_not_read_changes_no_bit(key, idx_set):
    """What one identity stands for must be one result; so the trainer is asked, with the key as it was typed."""
    plain = ["data=idx", f"data.dir={idx_set}", "epochs=2", "hidden=4", *NOT_READ_WITH[key]]
    source = sets.load("idx", folder=idx_set)

    def trained(*typed):
        config = compose([*plain, *typed])
        train, val = sets.hold_out(source, config.val_size, seed_of(config, "split"))
        state = initial_state(config, (train.images.shape[1], *config.hidden, source.n_classes))
        records = list(fit(state, train, val, source.test, recipe(config, source.image_shape)))
        return config, state.network.parameters.flat.tobytes(), metrics.format_metrics(records)

    here, there = trained(), trained(f"{key}={TYPED[key]}")
    assert getattr(here[0], key) != getattr(there[0], key)
    assert key in unread(there[0].as_dict())
    assert here[1:] == there[1:]
    assert of(here[0]) == of(there[0])


def test_an_elastic_distortion_of_strength_0_is_an_affine_one(idx_set):
    drawn = []
    for typed in (["augment=affine"], ["augment=elastic", "alpha=0"]):
        pictures, out = np.arange(56.0, dtype=np.float32).reshape(1, 56), np.empty((1, 56), np.float32)
        Augmentation((8, 7), ranges(compose(typed)))(stream(0, "distorted"), pictures, out)
        drawn.append(out.tobytes())
    assert drawn[0] == drawn[1]


def test_of_a_component_that_is_not_ours_nobody_says_what_it_reads(monkeypatch):
    """An optimizer that was added from Python may well read betas, and is another experiment with others."""
    monkeypatch.setitem(OPTIMIZERS, "mine", OPTIMIZERS["adam"])
    mine = dataclasses.replace(CONFIG, optimizer="mine", betas=(0.5, 0.5), momentum=0.5)
    assert without_effect(mine, ["betas=[0.5,0.5]", "momentum=0.5"]) == []
    assert of(mine) != of(dataclasses.replace(mine, betas=(0.9, 0.99)))


# Digests that the code of release 0.2.0 gave (commit 914df2f).
OF_RELEASE_0_2_0 = {
    (): "a49aea8c0d15b0be10681c9315fc6a9dcef8960c4b9980fc0cd031ca45257a6a",
    ("optimizer=sgd", "momentum=0.9"): "90e35f801f9c468f2cd2bec558f7ac00000937ec5fb0b2ef2b78ae2d94067beb",
}


@pytest.mark.parametrize("typed", OF_RELEASE_0_2_0)
def test_keys_that_came_later_change_no_digest_of_release_0_2_0(typed):
    assert of_numerics_5(compose(list(typed))) == OF_RELEASE_0_2_0[typed]


# Likewise, of runs that two processes shared: commit d0bc446, the last one whose bits depend on their number.
SHARED_BY_TWO = {
    ("threads=2",): "0eb06d7fe12169f9c292366b6fb0e2a2b37164297c5dae03d76dedcbb3dd6cd7",
    (
        "threads=2",
        "optimizer=sgd",
        "momentum=0.9",
        "nesterov=true",
    ): "1d0f84d6750a510cc3ed80cc3f55b2e96078b2101cc1f56eb7286021140a602b",
}


@pytest.mark.parametrize("typed", SHARED_BY_TWO)
def test_what_was_part_of_an_identity_once_stays_in_those_of_then_alone(typed):
    config = compose(list(typed))
    assert of_numerics_5(config, config.threads) == SHARED_BY_TWO[typed] != of_numerics_5(config)
    assert of(config) == of(dataclasses.replace(config, threads=None))
    assert "threads" not in identity(config, SHA256)


def test_what_was_part_of_an_identity_once_is_compared_where_both_have_it():
    today = identity(CONFIG, SHA256)
    one, two = (today | {"numerics": 5, "threads": n} for n in (1, 2))
    assert differences(one, two) == ["threads"]
    assert describe_differences(two, one) == "threads=2 there, 1 here"
    assert differences(two, today) == differences(today, two) == ["numerics"]
    which = "made by a version of npdigits that computes other bits; commit d0bc446 of npdigits goes on with it"
    assert describe_differences(two, today) == which
    assert as_of_today(two) == as_of_today(one) == today | {"numerics": 5}


def test_a_later_key_enters_where_it_differs_from_what_its_absence_stands_for():
    momentum = compose(["optimizer=sgd", "momentum=0.9"])
    nesterov = compose(["optimizer=sgd", "momentum=0.9", "nesterov=true"])
    assert of(nesterov) != of(momentum) == of(dataclasses.replace(momentum, nesterov=False))
    keys = [identity(config, SHA256) for config in (momentum, nesterov)]
    assert ["nesterov" in one for one in keys] == [False, True]
    assert describe_differences(*keys) == "nesterov=False there, True here"
    idle = dataclasses.replace(CONFIG, nesterov=True)
    assert of(idle) == of(CONFIG) and not in_canonical_form(idle, DIGITS, VAL_SIZE).nesterov


def test_names_that_are_stored_otherwise_are_said_once():
    typed = ["optimizer=adamw", "activation=swish", "initializer=he", "lr=0.1"]
    assert renamed(typed) == [
        "optimizer=adamw is stored as adam: its weight decay is decoupled already",
        "activation=swish is stored as silu: another name of the same function",
    ]
    assert renamed(["optimizer=adam", "activation=silu", "name=adamw"]) == []
    assert of(compose(["optimizer=adamw"])) == of(CONFIG)


@pytest.mark.parametrize(
    "typed", [[], ["hidden=[]"], ["augment=elastic", "alpha=0"], ["val_size=10000", "optimizer=sgd"]]
)
def test_the_canonical_form_is_its_own(typed):
    once = canonical(identity(compose(typed), SHA256), DIGITS, VAL_SIZE)
    assert canonical(once, DIGITS, VAL_SIZE) == once
    config = in_canonical_form(compose(typed), DIGITS, VAL_SIZE)
    assert {key: value for key, value in config.as_dict().items() if key in once} == {
        key: value for key, value in once.items() if key not in ("data_sha256", "numerics")
    }
