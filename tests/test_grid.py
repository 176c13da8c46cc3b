"""Every point of a sweep is composed as the run that it would be alone."""

import itertools
import time
import tracemalloc

import pytest
from grid import composed
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from npdigits.base.errors import UserError
from npdigits.config import command_line, grid, grid_size
from npdigits.config.compose import compose

EXPERIMENTS = {
    "tied": "hidden: 5\nbatch_size: ${hidden}\nepochs: ${batch_size}\n",
    "named": "name: h${hidden}-${data.name}\nlr: ${oc.decode:${oc.env:LR}}\n",
    "swept": "hydra: {mode: MULTIRUN, sweeper: {params: {batch_size: '16,${seed}', hidden: '${batch_size},3'}}}\n",
    "counted": "hydra: {mode: MULTIRUN, sweeper: {params: {seed: 'range(${patience})', max_norm: 'null,3'}}}\n",
}
# Where what is typed is refused, nothing is done.
NOTHING = command_line.Acts(lambda *_: 0, lambda *_: 0, lambda _: 0)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A folder with experiments of one's own, and what their interpolations look up."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "experiment").mkdir()
    for name, text in EXPERIMENTS.items():
        (folder / "experiment" / f"{name}.yaml").write_text(f"# @package _global_\n# of a test\n{text}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LR", "0.25")
        patch.setenv("JOB", "j7")
        yield f"hydra.searchpath=[file://{folder}]"


def check(own, keys):
    """Compare a sweep over keys (prefix and key -> values as typed) with each of its points alone."""
    keys = dict(sorted(keys.items(), key=lambda item: item[0] != "experiment"))  # which vary slowest
    arguments = [f"{key}={','.join(values)}" for key, values in keys.items()]
    alone = [
        [own, *(f"{key}={value}" for key, value in zip(keys, values, strict=True))]
        for values in itertools.product(*keys.values())
    ]
    try:
        expected = [compose(point) for point in alone]
    except UserError:
        with pytest.raises(Exception):  # noqa: B017 – Hydra's own, too, of which the command line makes a line
            composed([own, *arguments])
        return
    points = composed([own, *arguments])[0]
    assert [config for _, config in points] == expected
    as_typed = dict(zip(map(tuple, alone), expected, strict=True))  # mostly a point is typed as it is alone
    for (typed, _), config in zip(points, expected, strict=True):
        assert (as_typed.get((own, *typed)) or compose([own, *typed])) == config


@pytest.mark.parametrize(
    "keys",
    [
        {"data": ["idx"], "seed": ["0", "1", "2"], "data.dir": ["folds/${seed}"]},
        {"data": ["idx"], "data.dir": ["'folds of/${seed}'", "größe/${hidden}"], "seed": ["0", "1"]},
        {"data": ["idx"], "data.dir": ["${data.name}/${seed}"], "seed": ["0", "1"], "name": ["x${data.dir}"]},
        {"data": ["mnist", "kmnist", "mnist_5k"], "seed": ["3", "4"], "name": ["${data.name}-${seed}"]},
        {"hidden": ["${seed}"], "seed": ["4", "5"]},
        {"hidden": ["${seed}", "30"], "seed": ["4", "5"], "batch_size": ["${hidden}", "7"]},
        {"hidden": ["[${seed},3]", "[]"], "seed": ["4", "5"]},
        {"batch_size": ["${hidden}"], "hidden": ["5", "[7,8]"]},
        {"out": ["runs/${oc.env:JOB}"], "seed": ["0", "1"]},
        {"lr": ["${oc.decode:'0.5'}", "'${oc.decode:${oc.env:LR}}'"], "l2": ["${lr}", "0"]},
        {"l2": ["${oc.select:lr}"], "lr": ["0.1", "0.2"]},
        {"betas": ["[0.5,0.9]", "[0,0.1]"], "eps": ["${betas.0}"], "momentum": ["${betas.1}"]},
        {"min_delta": ["null", "1e-3"], "max_norm": ["null", "3"], "plots": ["true", "False"]},
        {"name": ["2026_11_28", "12e5678", "true", "it's", "'a,b'", "a(b)", "a=b", "C:\\x"], "seed": ["0", "1"]},
        {"hidden": ["{a:1}", "{b:2}"]},
        {"lr": ["0.1", "???"]},
        {"++lr": ["0.1", "0.2"], "batch_size": ["8", "9"]},
        {"~data.root": ["null"], "seed": ["0", "1"]},
        {"data.fallback": ["null", "mnist_5k"], "seed": ["0", "1"]},
        {"experiment": ["tied"], "hidden": ["5", "10"]},
        {"experiment": ["tied"], "batch_size": ["${seed}", "3"], "seed": ["5", "6"]},
        {"experiment": ["tied", "named"], "hidden": ["5", "10"], "data": ["idx", "mnist"]},
        {"experiment": ["named"], "hidden": ["5", "[6,7]"], "lr": ["0.5", "${l2}"], "l2": ["0.1", "0.2"]},
    ],
    ids=str,
)
def test_each_point_is_the_run_that_it_would_be_alone(own, keys):
    check(own, keys)


VALUES = {
    "seed": ["0", "7", "${epochs}", "${oc.select:hidden}"],
    "hidden": ["20", "[30,10]", "[]", "${seed}", "[${seed},${batch_size}]", "${batch_size}"],
    "batch_size": ["16", "${hidden}", "${window}"],
    "epochs": ["3", "${patience}"],
    "lr": ["0.1", "1e-3", ".5", "${l2}", "'${oc.decode:${oc.env:LR}}'", "-1"],
    "l2": ["0", "0.2", "${weight_decay}", "${lr}"],
    "dropout": ["0.1", "${l2}", "[0.1,${l2}]"],
    "min_delta": ["null", "1e-4", "${l2}"],
    "name": ["a", "'b c'", "${seed}x", "2026_11_28", "größe/${hidden}", "null", "${data.name}"],
    "data": ["mnist", "idx"],
    "data.dir": ["x", "folds/${seed}", "${name}/${data.name}"],
    "data.fallback": ["null"],
    "~data.fallback": ["null"],
    "++momentum": ["0.5", "${l2}"],
    "activation": ["tanh", "sigmoid"],
    "quiet": ["true", "${plots}"],
    "experiment": ["tied", "named"],
}


PLAIN = {"deadline": None, "database": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=30, phases=[Phase.generate], **PLAIN)
@given(
    st.lists(st.sampled_from(sorted(VALUES)), min_size=2, max_size=5, unique=True).flatmap(
        # At most two keys vary beside those that do not: 32 points of five that vary show no more than four do.
        lambda keys: st.fixed_dictionaries(
            {
                key: st.lists(st.sampled_from(VALUES[key]), min_size=1, max_size=2 if place < 2 else 1, unique=True)
                for place, key in enumerate(keys)
            }
        )
    )
)
def test_each_point_of_any_grid_is_the_run_that_it_would_be_alone(own, keys):
    check(own, keys)


def test_what_an_experiment_sweeps_over_is_each_points_own(own):
    alone = itertools.product(["16", "${seed}"], ["${batch_size}", "3"], ["5", "6"])
    expected = [[own, "experiment=swept", f"batch_size={b}", f"hidden={h}", f"seed={s}"] for b, h, s in alone]
    points = composed([own, "experiment=swept", "seed=5,6"])[0]
    assert [config for _, config in points] == [compose(point) for point in expected]
    points = composed([own, "experiment=counted", "patience=2"])[0]
    assert [(config.seed, config.max_norm) for _, config in points] == [
        (seed, norm)
        for seed in range(5)
        for norm in (None, 3.0)  # the range is one for all, of the experiment's values
    ]


def test_what_is_typed_of_a_sweep_reads_as_one_would_type_it(own):
    typed = ["data=idx", "data.dir=folds/${seed}", "seed=sort(range(5,0,-2))", "name='a b'", "hidden=[3, 4],5"]
    points = composed(typed)[0]
    assert points[1][0] == ["data=idx", "data.dir=folds/${seed}", "seed=1", "name=a b", "hidden=5"]


def test_the_time_of_day_is_one_for_all_points():
    points = composed(["seed=range(20)", "name='at-${now:%f}'"])[0]
    assert len({config.name for _, config in points}) == 1


@pytest.mark.parametrize(
    "grid",
    [
        ["lr=0.1,0.2"],
        ["lr=0.1,0.2", "out=x/${oc.env:JOB}"],
        ["batch_size=${hidden},9"],
        ["data.dir=${seed}x", "data=idx"],
    ],
)
def test_hydra_composes_no_point_of_our_own_keys(grid, own, monkeypatch):
    """Which takes it 0.03 s each; with interpolations as well."""
    from hydra._internal.config_loader_impl import ConfigLoaderImpl

    loads = []
    load = ConfigLoaderImpl.load_configuration
    monkeypatch.setattr(
        ConfigLoaderImpl, "load_configuration", lambda *given, **more: loads.append(1) or load(*given, **more)
    )
    assert len(composed([*grid, "seed=range(100)"])[0]) >= 100
    assert len(loads) < 6


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            ["seed=range(2000)", "hidden=range(1,2201)", "lr=0.1"],
            "seed (2,000) × hidden (2,200): a grid of 4,400,000 points: allowed are at most 100,000; "
            "hydra.sweeper.max_points=4400000 allows them, which takes some 29 min and 48.4 GB of memory",
        ),
        (
            ["seed=range(3)", "lr=0.1,0.2", "hydra.sweeper.max_points=5"],
            "seed (3) × lr (2): a grid of 6 points: allowed are at most 5; hydra.sweeper.max_points=6 allows them",
        ),
        (
            ["experiment=tied,named", "seed=range(3)", "hydra.sweeper.max_points=5"],
            "experiment=tied: seed (3); experiment=named: seed (3): a grid of 6 points: allowed are at most 5; "
            "hydra.sweeper.max_points=6 allows them",
        ),
        (
            [f"{key}=range(0,1,0.0001)" for key in ("lr", "l2", "dropout", "momentum")],
            "lr (10,000) × l2 (10,000) × dropout (10,000) × momentum (10,000): "
            "a grid of 10,000,000,000,000,000 points: allowed are at most 100,000",
        ),
        (["seed=0,1", "hydra.sweeper.max_points=0"], "hydra.sweeper.max_points=0: allowed are whole numbers from 1"),
        (
            ["seed=0,1", "hydra.sweeper.max_points=many"],
            "hydra.sweeper.max_points=many: allowed are whole numbers from 1",
        ),
    ],
)
def test_a_grid_too_large_is_counted_not_made(own, typed, said, monkeypatch):
    monkeypatch.setattr(grid.Sweeper, "_points", None)
    with pytest.raises(UserError) as caught:
        composed([own, *typed])
    assert str(caught.value) == said


def test_the_bound_of_a_grid_may_be_raised(monkeypatch, capsys):
    monkeypatch.setattr(grid_size, "MANY", 5)
    assert len(composed(["seed=range(6)", "hydra.sweeper.max_points=6"])[0]) == 6
    assert capsys.readouterr().err.startswith("npdigits: WARNING: seed (6): a grid of 6 points: each is checked before")
    assert len(composed(["seed=range(5)"])[0]) == 5
    assert capsys.readouterr().err == ""
    with pytest.raises(UserError, match=r"^hydra.sweeper.max_points=3: is read with --multirun only$"):
        command_line.dispatch(NOTHING, ["hydra.sweeper.max_points=3"])


def test_counting_takes_little_memory_and_time():
    """A hundred million points and more: nothing of their number is ever made."""
    tracemalloc.start()
    begun = time.process_time()
    with pytest.raises(UserError, match="a grid of 1,000,000,000,000,000 points"):
        composed(["seed=range(100000)", "hidden=range(1,100001)", "epochs=range(1,100001)"])
    seconds, (_, most) = time.process_time() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100e6 and seconds < 10


SWEEPERS = {
    "hydra/sweeper=basic": "hydra/sweeper=basic: not allowed: npdigits makes its grids itself",
    "hydra/sweeper=optuna": "hydra/sweeper=optuna: not allowed: npdigits makes its grids itself",
    "+hydra/sweeper=ax": "+hydra/sweeper=ax: not allowed",
    "hydra.sweeper._target_=hydra._internal.core_plugins.basic_sweeper.BasicSweeper": "hydra.sweeper._target_=hydra",
    "hydra.sweeper.max_batch_size=2": "hydra.sweeper.max_batch_size=2: not allowed",
    "+hydra.sweeper.n_trials=2": "+hydra.sweeper.n_trials=2: not allowed",
}


@pytest.mark.parametrize("asked", SWEEPERS)
def test_a_sweeper_that_is_not_ours_is_refused(asked):
    for option in (["-m"], []):
        with pytest.raises(UserError) as caught:
            command_line.dispatch(NOTHING, [*option, "seed=0,1", asked])
        assert str(caught.value).startswith(SWEEPERS[asked])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("defaults: [{override /hydra/sweeper: other}]", "hydra/sweeper=other: not allowed"),
        (
            "hydra: {sweeper: {_target_: hydra._internal.core_plugins.basic_sweeper.BasicSweeper}}",
            "hydra.sweeper._target_=",
        ),
        ("hydra: {sweeper: {max_batch_size: 3}}", "hydra.sweeper.max_batch_size=3: not allowed"),
        (
            "hydra: {sweeper: {params: {max_norm: null}}}",
            "hydra.sweeper.params.max_norm=null: allowed is what one would",
        ),
        ("hydra: {sweeper: {params: {hiden: '3,4'}}}", "hiden=3: unknown key; did you mean hidden?"),
        ("hydra: {sweeper: {params: {hidden: '(3,4)'}}}", "hidden=\\(3,4\\): a list is written with brackets"),
    ],
)
def test_nor_may_an_experiment_ask_for_one(tmp_path, text, said):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "hydra" / "sweeper").mkdir(parents=True)
    (tmp_path / "experiment" / "odd.yaml").write_text(f"# @package _global_\n# of a test\n{text}\n")
    # As Optuna's, which brings an object of its own.
    other = "_target_: hydra_plugins.other.Sweeper\nsampler: {_target_: not.installed.Sampler}\n"
    (tmp_path / "hydra" / "sweeper" / "other.yaml").write_text(other)
    arguments = [f"hydra.searchpath=[{tmp_path}]", "experiment=odd", "seed=0,1"]
    with pytest.raises(UserError, match=f"^{said}"):
        command_line.in_our_words(lambda: composed(arguments), arguments)


@pytest.mark.parametrize(
    "typed",
    [
        "+hydra.sweeper.params={seed:'3,4'}",
        "hydra.sweeper.params={seed:'3,4'}",
        "++hydra.sweeper.params={seed:'range(3,5)'}",
        "hydra.sweeper.params.seed=3,4",
        "+hydra.sweeper.params.seed='3,4'",
        "hydra.sweeper.params.seed=range(3,5)",
    ],
)
def test_parameters_of_a_sweep_may_be_typed(typed):
    assert [config.seed for _, config in composed([typed])[0]] == [3, 4]
    with pytest.raises(UserError, match=r": is read with --multirun only$"):
        command_line.dispatch(NOTHING, [typed])


def test_interpolations_are_found_wherever_they_are():
    assert all(map(grid.interpolates, ["${a}", ["x", "a${b}"], {"a": {"b": ["${c}"]}}, {"${a}": 1}]))
    assert not any(map(grid.interpolates, ["$a", "{a}", ["x"], {"a": {"b": [1, None, True]}}, 3]))
