"""layers.csv: its figures against plain computations, the same file after every cut, and that it changes no bit."""

import numpy as np
import pytest
from made import read_summary

from npdigits.base.errors import RunDirError
from npdigits.config.build import initial_state, recipe
from npdigits.config.compose import compose
from npdigits.nn import plain
from npdigits.runs import layers
from npdigits.runs.layers import read_layers
from npdigits.runs.prepare import prepare
from npdigits.runs.report import Report
from npdigits.runs.run import run
from npdigits.training import inside
from npdigits.training.inside import Inside
from npdigits.training.loop import fit

BITS = ("metrics.csv", "predictions.npz", "identity.json", *(f"checkpoints/{n}.npz" for n in ("best", "last")))


@pytest.fixture
def do(tmp_path, idx_set):
    def do(name, *typed, **options):
        keys = ["data=idx", f"data.dir={idx_set}", "epochs=6", "hidden=[7,5]", "plots=false", "quiet=true", *typed]
        run(compose(keys), tmp_path / name, keys, **options)
        return tmp_path / name

    return do


@pytest.fixture
def stood(idx_set):
    """Return a function that gives a state after two epochs, its plan and the rate."""

    def stood(*typed):
        config = compose(["data=idx", f"data.dir={idx_set}", "hidden=[7,5]", "dtype=float64", *typed])
        plan = prepare(config, None, (), None, Report(True, True))
        state = initial_state(plan.config, plan.sizes)
        how = recipe(plan.config, plan.source.image_shape)
        *_, last = fit(state, plan.train, plan.val, plan.source.test, how, until=2)
        return state, plan, last.lr

    return stood


def look(state, plan, lr):
    shadow = initial_state(plan.config, plan.sizes)
    return Inside(shadow, plan.train, plan.config.l2, plan.config.weight_decay).look(state, lr)


def arrays_of(state):
    return [state.network.parameters.flat, *state.optimizer.state.values()]


@pytest.mark.parametrize("typed", [("optimizer=sgd", "activation=tanh", "l2=0.1"), ("activation=gelu",)])
def test_norms_are_those_of_plain_backpropagation_and_of_the_optimizers_own_step(stood, typed, monkeypatch):
    monkeypatch.setattr(inside, "BATCH", 50)
    state, plan, lr = stood(*typed)
    parameters, before = state.network.parameters, [array.copy() for array in arrays_of(state)]
    found = look(state, plan, lr)
    assert all(np.array_equal(now, then) for now, then in zip(arrays_of(state), before, strict=True))
    n = len(plan.train)
    rows = plan.train.rows[[i * n // 50 for i in range(50)]]
    x, y = plan.train.images[rows] / 255, plan.train.labels[rows]
    activation = typed[-1].removeprefix("activation=") if len(typed) == 1 else "tanh"
    gw, gb = plain.gradient(parameters.weights, parameters.biases, x, y, activation)
    # The step, made by the state itself.
    scale = state.optimizer.gradient_scale(plan.config.l2)
    for mine, theirs in zip([*state.gradient.weights, *state.gradient.biases], [*gw, *gb], strict=True):
        mine[...] = theirs * scale
    weights = [w.copy() for w in parameters.weights]
    state.optimizer.step(lr, plan.config.l2, plan.config.weight_decay)
    for layer, w, g, after in zip(found, weights, gw, parameters.weights, strict=True):
        assert layer.weight_norm == pytest.approx(np.linalg.norm(w))
        assert layer.gradient_norm == pytest.approx(np.linalg.norm(g))
        assert layer.update_norm == pytest.approx(np.linalg.norm(after - w), rel=1e-6)
        assert layer.update_ratio == pytest.approx(layer.update_norm / layer.weight_norm)
    assert [layer.layer for layer in found] == [1, 2, 3]
    assert (found[-1].dead, found[-1].saturated) == (None, None)


def test_idle_units_of_a_state_are_counted(stood):
    state, plan, lr = stood("activation=tanh")
    w, b = state.network.parameters.weights, state.network.parameters.biases
    b[0][:2] = -1e3  # −1 for every image
    w[1][3], b[1][3] = w[1][4], b[1][4]
    found = look(state, plan, lr)
    assert found[0].dead == pytest.approx(2 / 7)
    assert found[1].identical == pytest.approx(2 / 5)


def test_weights_that_are_zero_have_no_ratio_and_overflow_is_empty(stood):
    state, plan, lr = stood()
    state.network.parameters.weights[1][:] = 0
    assert look(state, plan, lr)[1].update_ratio is None
    state.network.parameters.flat[:] = 1e300
    assert look(state, plan, lr)[0].gradient_norm is None


@pytest.mark.parametrize("typed", [(), ("hidden=[]",), ("threads=2", "optimizer=rmsprop", "dtype=float64")])
def test_looking_changes_no_bit(do, typed):
    without, looked = do("without", *typed), do("looked", *typed, "inspect=true")
    for name in BITS:
        assert (without / name).read_bytes() == (looked / name).read_bytes(), name
    assert not (without / "layers.csv").exists()
    summaries = [read_summary(path) | {"seconds": 0} for path in (without, looked)]
    assert summaries[0] == summaries[1]
    table = read_layers(looked)
    layers = 1 if "hidden=[]" in typed else 3
    assert table["epoch"].tolist() == np.repeat(np.arange(1, 7), layers).tolist()
    assert table["layer"].tolist() == [*range(1, layers + 1)] * 6


@pytest.mark.parametrize("harm", ["nothing", "no last row", "half an epoch", "torn", "later rows", "link"])
def test_a_run_that_was_cut_off_leaves_the_same_file(do, harm, tmp_path):
    whole = do("whole", "inspect=true") / "layers.csv"
    cut = do("cut", "inspect=true", until=3)
    file = cut / "layers.csv"
    lines = file.read_text().splitlines(keepends=True)
    assert len(lines) == 1 + 3 * 3
    more = "".join(whole.read_text().splitlines(keepends=True)[10:14])
    left = {
        "no last row": "".join(lines[:-3]),
        "half an epoch": "".join(lines[:-1]),
        "torn": "".join(lines)[:-9],
        "later rows": "".join(lines) + more,
    }
    if harm == "link":
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    else:
        file.write_text(left.get(harm, "".join(lines)))
    kept = (tmp_path / "elsewhere").read_text() if harm == "link" else ""
    assert do("cut", "inspect=true") / "layers.csv" == file
    assert file.read_text() == whole.read_text()
    assert harm != "link" or (tmp_path / "elsewhere").read_text() == kept


def test_a_run_that_is_looked_into_later_has_rows_from_there(do):
    do("run", until=2)
    table = read_layers(do("run", "inspect=true"))
    assert sorted({*table["epoch"]}) == [2, 3, 4, 5, 6]


def test_a_folder_in_its_place_is_one_warning_and_costs_the_run_nothing(do, tmp_path, capsys):
    do("run", until=2)
    (tmp_path / "run/layers.csv").mkdir()
    do("run", "inspect=true")
    assert read_summary(tmp_path / "run")["status"] == "finished"
    assert capsys.readouterr().err.count("Layers failed and is told nothing more") == 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1,2,1,1,1,1,,,0"], "row 1 is of epoch 1 and layer 2"),
        (["1,1,1,1,1,1,0,0,0", "1,1,1,1,1,1,0,0,0"], "row 2 is of epoch 1 and layer 1"),
        (["1,1,1,1,1,1,2,0,0"], "dead='2': allowed is a number from 0 to 1"),
        (["1,1,-1,1,1,1,0,0,0"], "weight_norm='-1': allowed is a number ≥ 0"),
        (["1,1,inf,1,1,1,0,0,0"], "weight_norm='inf'"),
        (["1.5,1,1,1,1,1,0,0,0"], "epoch='1.5': allowed is a whole number"),
        ([",1,1,1,1,1,0,0,0"], "epoch=''"),
        (["1,1,1,1,1,1,0,0"], "row 1 has 8 cells"),
        (["1,1,=1+1,1,1,1,0,0,0"], "weight_norm='=1"),
    ],
)
def test_what_no_run_writes_is_damage(tmp_path, rows, message):
    text = layers.HEADER + "".join(f"{row}\n" for row in rows)
    (tmp_path / "layers.csv").write_text(text)
    with pytest.raises(RunDirError, match=r"layers\.csv: damaged: ") as error:
        read_layers(tmp_path)
    assert message in str(error.value)
    (tmp_path / "layers.csv").write_text("epoch\n")
    with pytest.raises(RunDirError, match="does not begin with epoch,layer,"):
        read_layers(tmp_path)


def test_a_last_line_that_is_not_whole_is_left_out(tmp_path):
    (tmp_path / "layers.csv").write_text(f"{layers.HEADER}1,1,1,1,1,1,0,0,0\n1,2,1")
    assert read_layers(tmp_path)["layer"].tolist() == [1]
