"""Every key has one default, a line of help, a type and a range; all are checked before anything runs."""

import dataclasses
import re
from pathlib import Path

import hydra
import pytest
import yaml

from npdigits.base.errors import ConfigError
from npdigits.config import conf_files
from npdigits.config.compose import compose, version_base
from npdigits.config.keys import DATA_RULES, RULES
from npdigits.config.schema import Config, DataConfig, parse_config
from npdigits.data.sets import LOADERS
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.initializers import ALIASES, INITIALIZERS
from npdigits.nn.optimizers import OPTIMIZERS
from npdigits.nn.schedules import SCHEDULES
from npdigits.training.stopping import MIN_DELTA, STOPPING_RULES

FIELDS = {field.name for field in dataclasses.fields(Config)} - {"own"}
CONF = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in conf_files.CONF.rglob("*.yaml")}
KEYS = {key: value for key, value in CONF["train"].items() if key not in ("defaults", "hydra", "race")}
DEFAULTS = KEYS | {"data": {"name": "mnist"}}

# key -> (allowed values, values that are not)
NUMBERS = {
    "leak": ([0, 0.5, 0.999], [-0.01, 1, 1.0]),
    "eps": ([1e-12, 1], [0, -1e-8]),
    "momentum": ([0, 0.9], [1, -0.1]),
    "rho": ([0, 0.99], [1, -0.1]),
    "lr": ([1e-12, 10, 1e30], [0, -1, 10**400]),
    "lr_decay": ([1e-3, 1, 1.0], [0, 1.001, -0.5]),
    "l2": ([0, 1e-4], [-1e-4]),
    "weight_decay": ([0, 0.03], [-0.01]),
    "min_delta": ([0, 1e-4], [-1e-9]),
    "input_dropout": ([0, 0.2, 0.99], [1, 0.999999, -0.1]),
    "max_norm": ([0.5, 3], [0, -1]),
    "alpha": ([0, 37, 10_000], [-1, 10_001, 1e300]),
    "sigma": ([0.5, 5.5, 1000], [0, -1, 1001, 1e300]),
    "rotation": ([0, 15, 180], [-1, 181]),
    "scale": ([0, 0.15], [1, -0.1]),
    "shear": ([0, 89], [90, -1]),
    "shift": ([0, 2.5, 1000], [-1, 1001, 1e300]),
    "added_strokes": ([0, 0.3, 1], [-0.1, 1.01]),
}
COUNTS = {
    "decay_every": ([1, 10], [0, -1]),
    "warmup": ([0, 3], [-1]),
    "batch_size": ([1, 60_000], [0, -5]),
    "epochs": ([1, 10_000], [0, -1]),
    "patience": ([1, 99], [0]),
    "window": ([2, 10], [1, 0]),
    "val_size": ([0, 1, 10_000], [-1]),
    "score_size": ([1, 10_000], [0, -1]),
    "seed": ([0, 2**70], [-1]),
    "threads": ([1, 256], [0, 257]),
    "workers": ([0, 2, 4096], [-1, 4097]),
}
NAMES = {
    "activation": set(ACTIVATIONS),
    "optimizer": set(OPTIMIZERS),
    "schedule": set(SCHEDULES),
    "stop_on": set(STOPPING_RULES),
    "dtype": {"float32", "float64"},
    "augment": {"none", "affine", "elastic"},
}
# key -> (what is allowed, values that are not)
OTHERS = {
    "hidden": ("a whole number ≥ 1, or a list", [0, -3, "abc", 2.5, True, [20, 0], [[20]], "20", {"a": 1}]),
    "betas": ("two numbers 0 ≤ β < 1", [0.9, [0.9], [0.9] * 3, [0.9, 1], [-0.1, 0.9], ["a", "b"]]),
    "dropout": ("a number from 0 to 0.99, or a list", [1, 0.999999, -0.1, "a", [], [0.5, 1], [[0.5]], True]),
    "output": ("one of softmax, sigmoid, tanh", ["relu", 1, None]),
    "cost": ("one of cross_entropy, mse", ["mae", 1, None]),
    "nesterov": ("true or false", [1, 0, "yes"]),
    "plots": ("true or false", [1, 0, "yes"]),
    "quiet": ("true or false", [1, "no"]),
    "out": ("null or a text", ["", "  ", 3, ["a"], "a\0b"]),
    "name": ("null or a text", ["", "  ", 3, ["a"], "a\0b"]),
}


def refusal(key, value):
    """Return the one line with which a value is refused."""
    with pytest.raises(ConfigError, match=rf"^{key}=.*: allowed is ") as caught:
        parse_config(DEFAULTS | {key: value})
    return str(caught.value)


def test_conf_has_exactly_the_keys_of_config_and_each_has_a_rule():
    assert {*KEYS, "data"} == FIELDS == {*RULES, "data"}
    assert {field.name for field in dataclasses.fields(DataConfig)} - {"own"} == set(DATA_RULES)


def test_every_default_has_a_comment_on_its_line():
    text = (conf_files.CONF / "train.yaml").read_text(encoding="utf-8")
    for key in KEYS:
        assert re.search(rf"^{key}: \S.*  # \S", text, re.MULTILINE), key


@pytest.mark.parametrize("name", LOADERS)
def test_every_data_set_has_a_file_with_a_line_about_it(name):
    assert (conf_files.CONF / "data" / f"{name}.yaml").read_text(encoding="utf-8").startswith("# ")
    assert parse_config(KEYS | {"data": CONF[name]}).data.name == name
    assert {path.stem for path in (conf_files.CONF / "data").iterdir()} == {*LOADERS, "own", "file"}


def test_hydra_composes_the_defaults_of_the_files():
    assert compose() == compose(["data=mnist"]) == parse_config(KEYS | {"data": CONF["mnist"]})
    assert compose(["data=idx", "hidden=[3,4]"]) == parse_config(KEYS | {"data": CONF["idx"], "hidden": [3, 4]})


@pytest.mark.parametrize(("key", "kind"), [*((k, float) for k in NUMBERS), *((k, int) for k in COUNTS)])
def test_numbers_are_taken_with_their_type_however_they_are_typed(key, kind):
    for value in (NUMBERS | COUNTS)[key][0]:
        got = getattr(parse_config(DEFAULTS | {key: value}), key)
        assert type(got) is kind
        assert got == value


@pytest.mark.parametrize("key", [*NUMBERS, *COUNTS])
def test_other_numbers_are_refused_with_key_value_and_what_is_allowed(key):
    odd = [1.5, 3.0, "3"] if key in COUNTS else [float("nan"), float("inf"), "0.1"]
    for value in [*(NUMBERS | COUNTS)[key][1], *odd, True, [1]]:
        line = refusal(key, value)
        assert line.startswith(f"{key}={'true' if value is True else str(value)[:70]}")
        assert re.search("allowed is (null or )?a (whole )?number (≥|>|from|above) ?[0-9]", line)


@pytest.mark.parametrize("key", OTHERS)
def test_other_values_are_refused_with_what_is_allowed(key):
    allowed, values = OTHERS[key]
    for value in values:
        assert f"allowed is {allowed}" in refusal(key, value)


def test_hidden_is_a_size_or_a_list():
    for value, sizes in [(20, (20,)), ([300, 100], (300, 100)), ((7,), (7,)), ([], ())]:
        assert parse_config(DEFAULTS | {"hidden": value}).hidden == sizes


@pytest.mark.parametrize("key", NAMES)
def test_names_are_taken_and_others_refused_with_the_whole_list(key):
    assert all(getattr(parse_config(DEFAULTS | {key: name}), key) == name for name in NAMES[key])
    for bad in ("", "nonsense", 3, ["adam"], min(NAMES[key]) + "!"):
        assert set(re.findall(r"\w+", refusal(key, bad).partition("one of ")[2])) >= NAMES[key]
    assert refusal(key, min(NAMES[key]).upper()).endswith(f"; did you mean {min(NAMES[key])}?")


def test_null_is_allowed_only_where_it_means_something():
    free = {
        "min_delta",
        "max_norm",
        "val_size",
        "score_size",
        "threads",
        "name",
        "workers",
        "out",
        "resume",
        "track",
        "history",
    }
    free |= {"split_seed", "initialization_seed", "order_seed"}
    assert parse_config(DEFAULTS | dict.fromkeys(free)) == parse_config(DEFAULTS)
    for key in set(KEYS) - free:
        assert refusal(key, None).startswith(f"{key}=null: allowed is ")


def test_initializers_have_short_names_and_the_full_one_is_kept():
    assert {"xavier", "he", "lecun"} == set(ALIASES)
    for short, full in ALIASES.items():
        assert full == f"{short}_normal"
        assert parse_config(DEFAULTS | {"initializer": short}) == parse_config(DEFAULTS | {"initializer": full})
    names = {"xavier_he", "normal", "zeros", *(f"{s}_{d}" for s in ALIASES for d in ("normal", "uniform"))}
    assert names == set(INITIALIZERS)
    assert names == {parse_config(DEFAULTS | {"initializer": name}).initializer for name in names}
    line = refusal("initializer", "xaver")
    assert re.search(r"^initializer=xaver: .*xavier, he, lecun, .*; did you mean xavier\?$", line)


def test_other_names_are_stored_as_the_one_that_there_is():
    for key, name, stored in [("optimizer", "adamw", "adam"), ("activation", "swish", "silu")]:
        assert parse_config(DEFAULTS | {key: name}) == parse_config(DEFAULTS | {key: stored})
        assert refusal(key, name + "x").endswith(f"; did you mean {name}?")


def test_nesterov_needs_momentum_where_it_is_read():
    sgd = DEFAULTS | {"optimizer": "sgd", "nesterov": True}
    with pytest.raises(ConfigError, match=r"^nesterov=true: allowed is momentum > 0 with it, not 0\.0$"):
        parse_config(sgd)
    assert parse_config(sgd | {"momentum": 0.9}).nesterov
    assert parse_config(sgd | {"optimizer": "adam"}).nesterov  # has no effect, which a warning says


def test_min_delta_null_is_each_rules_own():
    for rule in STOPPING_RULES:
        for given, used in [(None, MIN_DELTA[rule]), (0.125, 0.125), (0, 0.0)]:
            assert parse_config(DEFAULTS | {"stop_on": rule, "min_delta": given}).min_delta == used


@pytest.mark.parametrize("rule", STOPPING_RULES)
def test_without_validation_data_nothing_stops_early(rule):
    config = parse_config(DEFAULTS | {"stop_on": rule, "val_size": 0})
    assert (config.stop_on, config.min_delta, config.val_size) == ("none", MIN_DELTA["none"], 0)


def test_a_key_that_does_not_exist_is_refused_with_the_nearest_that_does():
    near = {"hiden": "hidden", "batchsize": "batch_size", "LR": "lr", "data.dri": "data.dir"}
    for key, hint in near.items():
        top, _, below = key.partition(".")
        with pytest.raises(ConfigError) as caught:
            parse_config(DEFAULTS | {top: {"name": "idx", below: 3} if below else 3})
        assert str(caught.value) == f"{key}=3: unknown key; did you mean {hint}?"
    with pytest.raises(ConfigError, match=r"^qqq=3: unknown key; --help lists them all$"):
        parse_config(DEFAULTS | {"qqq": 3})


def test_a_key_that_is_missing_is_named():
    for key in FIELDS:
        with pytest.raises(ConfigError, match=f"^{key}: missing: every key of conf/ must stay, with a value$"):
            parse_config({name: value for name, value in DEFAULTS.items() if name != key})
    with pytest.raises(ConfigError, match=r"^data\.name: missing: every key of conf/ must stay, with a value$"):
        parse_config(KEYS | {"data": {}})


@pytest.mark.parametrize("data", ["mnist", None, 3, {"name": "minst"}, {"name": "idx", "fallback": "kmnist"}])
def test_data_is_checked_too(data):
    with pytest.raises(ConfigError, match=r"^data(\.name|\.fallback)?=.*: allowed is .*mnist"):
        parse_config(KEYS | {"data": data})


def test_a_long_value_is_cut_and_stays_on_one_line():
    line = refusal("optimizer", "a\nb\t" + "x" * 500)
    assert line.startswith("optimizer=a b xxx") and "\n" not in line and len(line) < 150


@pytest.mark.parametrize("changes", [{}, {"hidden": [], "val_size": 0}, {"betas": [0, 0.5], "out": "ä ö"}])
def test_the_saved_configuration_reads_back_as_the_same(changes):
    config = parse_config(DEFAULTS | changes)
    assert parse_config(yaml.safe_load(yaml.safe_dump(config.as_dict()))) == config
    assert set(config.as_dict()) == FIELDS


def test_a_configuration_is_locked():
    with pytest.raises(dataclasses.FrozenInstanceError):
        parse_config(DEFAULTS).lr = 1.0


def test_out_is_relative_to_where_the_user_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    assert parse_config(DEFAULTS | {"out": "a/b"}).out_dir() == Path.cwd() / "a" / "b"
    assert parse_config(DEFAULTS | {"out": "~/b"}).out_dir() == tmp_path / "home" / "b"
    assert parse_config(DEFAULTS).out_dir() is None


def test_configurations_are_composed_in_threads_and_from_text_with_one_clear_line():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        sizes = list(pool.map(lambda n: compose([f"hidden={n}"]).hidden, range(1, 13)))
    assert sizes == [(n,) for n in range(1, 13)]
    with pytest.raises(ConfigError, match=r"^compose\('hidden=20'\): allowed is a list of overrides: "):
        compose("hidden=20")


def test_a_configuration_is_composed_within_another_hydra_program(tmp_path):
    (tmp_path / "theirs.yaml").write_text("size: 3\n")
    with hydra.initialize_config_dir(str(tmp_path), **version_base()):
        assert compose(["hidden=4"]).hidden == (4,)
        assert hydra.compose("theirs").size == 3  # theirs goes on as it was
