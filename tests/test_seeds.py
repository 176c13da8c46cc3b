"""Three seeds of three sources of spread: which stream is drawn with which, and when two runs are one."""

import ast
import itertools
import re

import numpy as np
import pytest
from made import REPOSITORY, read_summary

from npdigits import Classifier
from npdigits.base import random
from npdigits.base.errors import ConfigError
from npdigits.config.build import initial_state, recipe
from npdigits.config.compose import compose
from npdigits.config.identity import canonical, digest, identity, in_canonical_form
from npdigits.config.seeds import ALWAYS_THE_SAME, DRAWN_BY, KEY_OF, seed_of, settle_seeds, three_seeds
from npdigits.data import sets
from npdigits.nn import gradient_point
from npdigits.runs import results
from npdigits.runs.prepare import prepare
from npdigits.runs.report import Report
from npdigits.train import run
from npdigits.training import blocks, passes

PACKAGE = REPOSITORY / "npdigits"
SEEDS = ("seed", *DRAWN_BY)
# Whatever can be drawn while training.
ALL_DRAWN = ("dropout=0.2", "input_dropout=0.1", "augment=affine", "added_strokes=0.5")
# Of modules that draw for a purpose which they are given, and of the module that gives it.
GIVEN = {"training/blocks.py": "training/reader.py"}

# Likewise of a race's modules: the giver, what it calls, and which argument the purpose is.
IN_RACE = {"race/anova.py": ("race/importance.py", "variance_shares", 2)}

IMPORTS = re.compile(r"^ *(?:from npdigits\.base(?:\.random)? )?import .*\b(?:random|stream)\b.*$", re.MULTILINE)


def streams_of(source):
    """Return the purposes of all calls of ``stream`` in a module; None for one that is no constant text."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    calls = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "stream"]
    return [call.args[1].value if isinstance(call.args[1], ast.Constant) else None for call in calls]


def beginnings_of(source, name, place):
    """Return how the purposes begin that stand at a place in all calls of a function, each a text with parts in it."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    texts = [call.args[place].values[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == name]
    return [text.value for text in texts if isinstance(text, ast.Constant) and len(text.value) > 10]


def test_every_purpose_is_in_the_table_once_and_every_entry_is_drawn():
    found, in_race = set(), set()
    for path in PACKAGE.rglob("*.py"):
        source, name = path.read_text(encoding="utf-8"), path.relative_to(PACKAGE).as_posix()
        imports = IMPORTS.findall(source)
        if not imports:
            continue
        assert imports == ["from npdigits.base.random import stream"], f"{name}: so that this test sees its calls"
        purposes = streams_of(source)
        assert purposes, name
        if name.startswith("race/"):  # of a race, and of no run: a text in which the arm or the definition stands
            giver, call, place = IN_RACE.get(name, (name, "stream", 1))
            beginnings = beginnings_of((PACKAGE / giver).read_text(encoding="utf-8"), call, place)
            assert len(beginnings) == len(purposes), name
            in_race |= set(beginnings)
            continue
        if name == "nn/gradient_check.py":  # a stream a group of parameters: "gradient check W1"
            assert purposes == [None]
            continue
        if name in GIVEN:
            assert purposes == [None]
            giver = ast.parse((PACKAGE / GIVEN[name]).read_text(encoding="utf-8"))
            drawn = next(node for node in ast.walk(giver) if isinstance(node, ast.Dict))
            purposes = [key.value for key in drawn.keys]
        assert None not in purposes, f"{name}: name the purpose where it is drawn, or add the module to GIVEN"
        found |= set(purposes)
    assert found == {*KEY_OF, *ALWAYS_THE_SAME}
    assert len(in_race) == 5 and not any(purpose.startswith(tuple(in_race)) for purpose in found)
    assert len(KEY_OF) == sum(map(len, DRAWN_BY.values())) and not set(KEY_OF) & set(ALWAYS_THE_SAME)


def test_nothing_but_the_table_reads_a_seed_of_the_configuration():
    readers = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            of_config = isinstance(node, ast.Attribute) and node.attr in SEEDS
            if of_config and ast.unparse(node.value).split(".")[-1] in ("config", "own", "typed"):
                readers.add(path.relative_to(PACKAGE).as_posix())
    assert not readers


def test_the_documentation_has_the_table():
    text = (REPOSITORY / "conf" / "README.md").read_text(encoding="utf-8")
    for key, purposes in DRAWN_BY.items():
        row = next(
            line for line in text.splitlines() if line.startswith(f"| `{key}` | ") and "`" in line[len(key) + 6 :]
        )
        assert row.split("`")[3::2] == list(purposes)


def test_each_stream_of_a_run_is_drawn_with_the_seed_of_its_source(idx_set, tmp_path, monkeypatch):
    drawn = set()

    def noted(seed, purpose, epoch=0):
        drawn.add((purpose.partition(" of block ")[0], seed))
        return random.stream(seed, purpose, epoch)

    for module in (sets, results, blocks, passes, gradient_point):
        monkeypatch.setattr(module, "stream", noted)
    monkeypatch.setattr("npdigits.config.build.stream", noted)
    seeds = ["seed=9", "split_seed=1", "initialization_seed=2", "order_seed=3"]
    typed = ["data=idx", f"data.dir={idx_set}", "epochs=1", "hidden=4", "plots=false", "quiet=true", *ALL_DRAWN]
    run(compose([*typed, *seeds]), tmp_path / "run")
    number = {"split_seed": 1, "initialization_seed": 2, "order_seed": 3}
    assert drawn == {(purpose, number[key]) for purpose, key in KEY_OF.items()}
    drawn.clear()
    run(compose([*typed, "seed=9"]), tmp_path / "seed")
    assert drawn == {(purpose, 9) for purpose in KEY_OF}


@pytest.fixture
def trained(idx_set):
    def train(*typed):
        plain = ["data=idx", f"data.dir={idx_set}", "epochs=1", "hidden=4", "val_size=200", "dropout=0.2"]
        config = compose([*plain, *typed])
        plan = prepare(config, None, [], None, Report(quiet=True))
        state = initial_state(plan.config, plan.sizes)
        initial = state.network.parameters.flat.tobytes()
        from npdigits.training.loop import fit

        sets_of = plan.train, plan.val, plan.source.test
        list(fit(state, *sets_of, recipe(plan.config, plan.source.image_shape)))
        return plan.val.rows.tobytes(), initial, state.network.parameters.flat.tobytes()

    return train


def test_each_key_changes_its_own_source_and_no_other(trained):
    plain = trained()
    changed = {key: [a != b for a, b in zip(plain, trained(f"{key}=1"), strict=True)] for key in SEEDS}
    assert changed == {
        "seed": [True, True, True],
        "split_seed": [True, False, True],
        "initialization_seed": [False, True, True],
        "order_seed": [False, False, True],
    }
    assert trained("split_seed=1", "initialization_seed=1", "order_seed=1") == trained("seed=1")
    assert trained("seed=1", "initialization_seed=0", "order_seed=0") == trained("split_seed=1")


def test_one_canonical_form_draws_the_same_and_is_its_own():
    for values in itertools.product((0, 1, 2), *[(None, 0, 1, 2)] * 3):
        typed = dict(zip(SEEDS, values, strict=True))
        settled = settle_seeds(typed)
        assert [settled["seed"] if settled[key] is None else settled[key] for key in DRAWN_BY] == [
            typed["seed"] if typed[key] is None else typed[key] for key in DRAWN_BY
        ]
        assert settle_seeds(settled) == settled
        assert all(settled[key] != settled["seed"] for key in DRAWN_BY)
        if None not in values:  # nothing is drawn with the seed: it is no other run
            assert settle_seeds(typed | {"seed": 7}) == settled


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        (["seed=3", "split_seed=3"], ["seed=3"]),
        (["split_seed=3", "initialization_seed=3", "order_seed=3"], ["seed=3"]),
        (
            ["seed=5", "split_seed=1", "initialization_seed=2", "order_seed=3"],
            ["seed=1", "split_seed=1", "initialization_seed=2", "order_seed=3"],
        ),
        (["initializer=zeros", "initialization_seed=4"], ["initializer=zeros"]),
        (
            ["initializer=zeros", "seed=5", "split_seed=1", "order_seed=2"],
            ["initializer=zeros", "seed=6", "split_seed=1", "order_seed=2"],
        ),
    ],
)
def test_what_draws_the_same_is_one_run(typed, same):
    first, second = (identity(in_canonical_form(compose(each), 500, 100), "a" * 64) for each in (typed, same))
    assert first == second and canonical(first, 500, 100) == first
    assert digest(first) == digest(second)


def test_an_identity_without_the_keys_is_what_it_was():
    config = in_canonical_form(compose(["seed=3"]), 500, 100)
    assert not set(DRAWN_BY) & set(identity(config, "a" * 64))
    assert three_seeds(config) == (3, 3, 3)
    given = in_canonical_form(compose(["seed=3", "split_seed=0"]), 500, 100)
    assert identity(given, "a" * 64) == {**identity(config, "a" * 64), "split_seed": 0}
    assert [seed_of(given, purpose) for purpose in ("split", "initialization", "shuffle")] == [0, 3, 3]


def test_a_run_goes_on_with_its_seeds_and_no_others(idx_set, tmp_path, capsys):
    typed = ["data=idx", f"data.dir={idx_set}", "epochs=2", "hidden=4", "plots=false", "quiet=true", *ALL_DRAWN]
    seeds = ["seed=5", "split_seed=0", "initialization_seed=5"]

    def go(name, *more, after=None):
        asked = iter(range(10**9))
        stop = (lambda: next(asked) >= after) if after is not None else (lambda: False)
        run(compose([*typed, *more]), tmp_path / name, [*typed, *more], stop)
        return tmp_path / name

    def resume(*more):
        run(compose([f"resume={tmp_path / 'run'}", *more]), None, [f"resume={tmp_path / 'run'}", *more])

    whole, path = go("whole", *seeds), go("run", *seeds, after=25)
    for other in (
        ["split_seed=1"],
        ["order_seed=1"],
        ["seed=6"],
        ["seed=5", "split_seed=null"],
        ["seed=0", "order_seed=0"],
    ):
        with pytest.raises(ConfigError, match=r"^(order_|split_|)seed=.*: not allowed with resume: the run has"):
            resume(*other)
    assert read_summary(path)["status"] == "interrupted"
    resume("order_seed=5", "split_seed=0", "seed=5")
    assert (path / "metrics.csv").read_bytes() == (whole / "metrics.csv").read_bytes()
    assert (path / "identity.json").read_bytes() == (whole / "identity.json").read_bytes()


def test_a_seed_that_nothing_is_drawn_with_is_said(idx_set, tmp_path, capsys):
    typed = ["data=idx", f"data.dir={idx_set}", "epochs=1", "hidden=4", "plots=false", "seed=4"]
    given = [f"{key}={number}" for number, key in enumerate(DRAWN_BY)]
    run(compose([*typed, *given]), tmp_path / "run", [*typed, *given])
    assert (
        "WARNING: seed=4 has no effect: split_seed, initialization_seed and order_seed are given"
        in capsys.readouterr().err
    )
    with pytest.raises(ConfigError, match=r"^order_seed=-1: allowed is null or a whole number ≥ 0$"):
        compose(["order_seed=-1"])


def test_a_classifier_draws_as_a_run_does():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(120, 6)), rng.integers(0, 3, 120)

    def fitted(**keys):
        made = Classifier(hidden=4, epochs=1, dropout=0.2, batch_size=16, **keys).fit(x, y)
        return np.concatenate([w.ravel() for w in made.weights_]).tobytes()

    plain = fitted()
    assert plain == fitted(split_seed=0, initialization_seed=0, order_seed=0, seed=8)
    assert len({plain, *(fitted(**{key: 1}) for key in SEEDS)}) == 5
    assert fitted(random_state=1) == fitted(seed=1) != fitted(random_state=1, order_seed=0)
    state = Classifier().__getstate__()
    for key in DRAWN_BY:
        del state[key]
    before = Classifier.__new__(Classifier)
    before.__setstate__(state)
    assert before.get_params() == Classifier().get_params()
