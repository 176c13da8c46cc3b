"""The check of gradients by differences: right ones pass whatever the network, wrong ones do not; and its program."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made import start_python, write_set
from typed import typed as typed_in

from npdigits.base.choice import assemble
from npdigits.base.errors import ConfigError
from npdigits.nn.activations import ACTIVATIONS, Activation
from npdigits.nn.costs import COSTS
from npdigits.nn.differences import slope
from npdigits.nn.gradient_check import OK, UNCLEAR, WRONG, check_gradient, check_network, refuse_wrong_gradient
from npdigits.nn.gradient_point import FAR, Place, draw_batch
from npdigits.nn.initializers import INITIALIZERS, initialize
from npdigits.nn.network import Network, Parameters

SIZES = (12, 9, 8, 5)


def make(sizes=SIZES, activation="tanh", chosen=("softmax", "cross_entropy"), seed=0, **more):
    """Return a network at drawn weights; ``more``: initializer, scale, size of the biases, leak, dtype, input_scale."""
    rng = np.random.default_rng(seed)
    parameters = Parameters(sizes, more.get("dtype", "float64"))
    drawn = initialize(more.get("initializer", "lecun_normal"), rng, sizes, more.get("scale", 1.0))
    for view, w in zip(parameters.weights, drawn, strict=True):
        view[...] = w
    for b in parameters.biases:
        b[...] = rng.normal(0, more.get("biases", 0.5), b.shape)
    f = (
        assemble(ACTIVATIONS[activation], {"leak": more.get("leak", 0.01)})
        if isinstance(activation, str)
        else activation
    )
    return Network(parameters, f, more.get("input_scale", 1 / 255), COSTS[chosen])


# the slope by differences


@pytest.mark.parametrize(
    ("function", "exact", "digits"),
    [
        (lambda t: math.sin(0.3 + t), math.cos(0.3), 52),
        (lambda t: math.exp(1000 * t), 1000.0, 52),
        (lambda t: 1e-9 * (5 + 2 * t), 2e-9, 52),
        (lambda t: 7.0, 0.0, 52),
        (lambda t: max(t - 1e-5, 0.0) + 0.25 * t, 0.25, 52),  # a kink that a large step reaches
        (lambda t: float(np.float32(math.sin(0.3 + t))), math.cos(0.3), 23),
    ],
)
def test_a_slope_is_what_calculus_says_to_what_it_leaves_unsure(function, exact, digits):
    found = slope(function, noise=abs(function(0.0)) * 2.0**-digits)
    assert abs(found.value - exact) <= found.unsure and found.unsure <= max(2e-3 * abs(exact), 1e-10)


def test_of_a_function_that_is_no_number_nothing_is_said():
    assert slope(lambda t: math.nan, noise=0.0).unsure == math.inf


# what is right


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("chosen", sorted(COSTS))
def test_every_activation_with_every_cost_is_right(activation, chosen):
    check = check_network(make(activation=activation, chosen=chosen), images=8, elements=10, directions=2)
    assert [group.name for group in check.groups] == ["W1", "b1", "W2", "b2", "W3", "b3"]
    assert {group.verdict for group in check.groups} == {OK} and check.is_ok
    for group in check.groups:
        assert group.checked == 2 * (2 + min(10, {"W": 999, "b": SIZES[group.layer]}[group.name[0]]))
        assert group.worst is not None and group.worst.error < 1e-4


def draw_network(rng):
    """Return any network, saturated or nearly zero ones among them, and any batch: blank, one image, or other."""
    sizes = (int(rng.integers(1, 40)), *map(int, rng.integers(1, 30, rng.integers(0, 4))), int(rng.integers(2, 11)))
    network = make(
        sizes,
        str(rng.choice(sorted(ACTIVATIONS))),
        sorted(COSTS)[rng.integers(len(COSTS))],
        int(rng.integers(1000)),
        initializer=str(rng.choice(sorted(INITIALIZERS))),
        scale=10 ** rng.uniform(-3, 2),
        biases=rng.choice([0.0, 0.1, 5.0]),
        leak=rng.choice([0.0, 0.01, 0.3]),
        dtype=str(rng.choice(["float32", "float64"])),
        input_scale=rng.choice([1 / 255, 1.0]),
    )
    x, y = draw_batch(network, int(rng.choice([1, 7, 16])), int(rng.integers(1000)))
    x[:: int(rng.choice([1, 2, 99]))] = 0  # all of them, every other one, the first one
    return network, x, y


@pytest.mark.parametrize("seed", range(25))
def test_no_right_gradient_is_called_wrong(seed):
    network, x, y = draw_network(np.random.default_rng([23, seed]))
    check = check_gradient([Place("here", network, FAR)], x, y, elements=12, directions=2, seed=seed)
    assert check.wrong == [] and check_network(network, 8, elements=8, directions=1).wrong == []


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_kinks_where_z_is_0_are_counted_and_not_wrong(activation):
    network = make(activation=activation, biases=0.0)
    x, y = draw_batch(network, 9)
    x[:4] = 0  # z = b = 0 exactly
    first = check_gradient([Place("here", network, FAR)], x, y).groups[1]
    assert first.name == "b1" and first.kinks > 5 and first.verdict != WRONG
    x[:4] = 255
    assert sum(group.kinks for group in check_gradient([Place("here", network, FAR)], x, y).groups) == 0


def test_smooth_functions_have_no_kinks():
    checks = [check_network(make(activation=name, scale=30.0)) for name in ("tanh", "sigmoid")]
    assert [group.kinks for check in checks for group in check.groups] == [0] * 12


def test_a_check_changes_no_parameter_and_no_image():
    network = make(activation="relu", dtype="float32", biases=0.0)
    x, y = draw_batch(network, 8)
    x[0] = 0
    kept, pixels = network.parameters.flat.copy(), x.copy()
    assert not check_gradient([Place("here", network, FAR)], x, y).wrong and check_network(network).is_ok
    assert (network.parameters.flat == kept).all() and network.parameters.flat.dtype == np.float32
    assert (x == pixels).all()


# what is wrong


def changed(network, backward=None, apply=None, derivative=None):
    """Return a network of which a part is wrong; each function gets the right one first."""
    f, cost = network.activation, network.cost
    if backward:
        f = replace(f, backward=lambda delta, a, *z: backward(lambda: network.activation.backward(delta, a), delta, a))
    if apply:
        f = replace(f, apply=lambda z: apply(network.activation.apply, z))
    if derivative:
        right = network.cost.derivative
        cost = replace(cost, derivative=lambda z, y, rows: derivative(lambda: right(z, y, rows), z, y))
    return replace(network, activation=f, cost=cost)


def times(factor, where=lambda a: np.ones_like(a, bool)):
    def backward(right, delta, a):
        right()
        delta[where(a)] *= factor

    return {"backward": backward}


def another_left_of_0(right, z):
    negative = z < 0
    right(z)
    z[negative] *= 1.02


def another_far_out(right, z):
    far = np.maximum(np.abs(z) - 3, 0)
    right(z)
    z += 0.1 * far


def cost_times(factor, column=slice(None)):
    def derivative(right, z, y):
        right()
        z[:, column] *= factor

    return {"derivative": derivative}


def target_left_out(right, z, y):
    right()
    z[np.arange(len(z)), y] += 1


ACTIVATIONS_FAULT = {
    "times 1.01": times(1.01),
    "times 1.001": times(1.001),
    "sign": times(-1),
    "f' left out": {"backward": lambda right, delta, a: None},
    "f' is 0": times(0),
    "wrong for a > 0.3 alone": times(1.05, lambda a: a > 0.3),
    "wrong for z < 0 alone": {"apply": another_left_of_0},
    "wrong for |z| > 3 alone": {"apply": another_far_out},
}
COSTS_FAULT = {
    "times 1.001": cost_times(1.001),
    "sign": cost_times(-1),
    "one class": cost_times(1.01, 0),
    "target left out": {"derivative": target_left_out},
}
# What else there is to start from: at none of these initial weights may the mistake hide.
STARTS = [{}, {"initializer": "zeros", "biases": 0.0}, {"scale": 100.0}, {"dtype": "float32", "input_scale": 1.0}]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("fault", ACTIVATIONS_FAULT)
def test_a_wrong_derivative_of_an_activation_is_found(fault, start):
    network = changed(make(**start), **ACTIVATIONS_FAULT[fault])
    check = check_network(network, images=8, elements=6, directions=2)
    assert not check.is_ok and check.wrong and not check.is_costs_fault
    assert {group.layer for group in check.wrong} <= {1, 2}
    with pytest.raises(ConfigError, match=r"activation=mine\.py:f: its derivative is wrong: layer [12]'s "):
        refuse_wrong_gradient(network, "activation=mine.py:f", "cost=mse")


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("fault", COSTS_FAULT)
def test_a_wrong_derivative_of_a_cost_is_found(fault, start):
    network = changed(make(**start), **COSTS_FAULT[fault])
    check = check_network(network, images=8, elements=6, directions=2)
    assert not check.is_ok and check.is_costs_fault
    with pytest.raises(ConfigError, match=r"cost=mine\.py:c: its derivative is wrong: layer 3's "):
        refuse_wrong_gradient(network, "activation=tanh", "cost=mine.py:c")


def one_element(gradient, network):
    w = gradient.weights[0].reshape(-1)
    w[np.argsort(np.abs(w))[len(w) // 2]] += 0.01 * np.linalg.norm(w)


GRADIENTS_FAULT = {
    "W2 times 1.001": (
        "W2",
        lambda gradient, network: np.multiply(1.001, gradient.weights[1], out=gradient.weights[1]),
    ),
    "b1 left out": ("b1", lambda gradient, network: gradient.biases[0].fill(0)),
    "one element": ("W1", one_element),
    "input_scale left out": (
        "W1",
        lambda gradient, network: np.divide(gradient.weights[0], network.input_scale, out=gradient.weights[0]),
    ),
}


@pytest.mark.parametrize("fault", GRADIENTS_FAULT)
def test_what_is_wrong_in_one_group_is_found_in_that(fault):
    group, spoil = GRADIENTS_FAULT[fault]

    class Wrong(Network):
        def gradient(self, x, y, gradient, workspace, scale):
            super().gradient(x, y, gradient, workspace, scale)
            spoil(gradient, self)

    network = make()
    wrong = Wrong(network.parameters, network.activation, network.input_scale, network.cost)
    assert [one.name for one in check_network(wrong).wrong] == [group]


def test_the_figures_are_those_of_the_mistake():
    worst = check_network(changed(make(), **times(2.0))).groups[2].worst  # of two hidden layers the second
    assert worst.derivative == pytest.approx(2 * worst.differences.value, rel=1e-4) and worst.error > 0.4


def test_a_derivative_that_is_no_number_is_no_kink():
    """As 0/0 gives it at z = 0, where there is nothing to see nearby."""

    def backward(right, delta, a):
        right()
        delta[a == 0] = np.nan

    network = changed(make(biases=0.0), backward=backward)
    x, y = draw_batch(network, 5)
    x[0] = 0
    assert check_gradient([Place("here", network, FAR)], x, y).groups[1].verdict == WRONG


def of_float32(f):
    """Return an activation that is computed in float32 whatever it is given."""

    def apply(z):
        a = z.astype(np.float32)
        f.apply(a)
        z[...] = a

    return Activation(apply, lambda delta, a, *z: f.backward(delta, a.astype(np.float32)))


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_an_activation_that_has_fewer_digits_is_not_wrong_yet_its_mistakes_are(name):
    for seed in range(4):
        network = make(activation=of_float32(assemble(ACTIVATIONS[name], {"leak": 0.01})), seed=seed)
        assert check_network(network, directions=10).wrong == []
    wrong = check_network(changed(network, **times(1.05))).wrong
    assert {group.name for group in wrong} >= {"W1", "W2"}


def stairs(z):
    np.round(z, out=z)


def test_what_the_cost_does_not_depend_on_is_unclear_and_not_ok():
    network = make(activation=Activation(stairs, lambda delta, a, *z: delta.fill(0)))
    assert [group.verdict for group in check_network(network).groups[:2]] == [UNCLEAR, UNCLEAR]
    straight_through = make(activation=Activation(stairs, lambda delta, a, *z: None))
    assert check_network(straight_through).wrong


def test_what_is_not_finite_is_not_checked_and_a_cost_that_is_not_is_refused():
    network = make(activation="relu")
    network.parameters.weights[0][...] = 1e300
    network.parameters.weights[1][...] = 1e300
    check = check_network(network)
    assert check.at == ("weights drawn from N(0, 1/fan_in)",) and check.is_ok
    network = make()
    network = replace(network, cost=replace(network.cost, value=lambda z, y: np.full(len(z), np.nan)))
    assert not check_network(network).is_ok
    with pytest.raises(ConfigError, match=r"cost=mine\.py:c: its value is no finite number"):
        refuse_wrong_gradient(network, "activation=tanh", "cost=mine.py:c")


def test_a_right_network_is_not_refused_and_the_refusal_is_one_line():
    refuse_wrong_gradient(make((784, 20, 10), "leaky_relu"), "activation=leaky_relu", "cost=cross_entropy")
    with pytest.raises(ConfigError) as caught:
        refuse_wrong_gradient(changed(make(), **times(0.5)), "activation=mine.py:f", "cost=cross_entropy")
    said = str(caught.value)
    assert "by the derivative" in said and "by differences" in said and "\n" not in said
    assert said.endswith("; npdigits-check-gradient shows all; check_gradient=false skips this")


# the program


def typed(*arguments):
    return typed_in(*arguments, cwd=Path.cwd(), module="npdigits.check_gradient")


def test_the_program_prints_a_table_layer_by_layer():
    ended = typed("hidden=[30,20]", "activation=relu", "output=sigmoid", "dtype=float32", "leak=0.1")
    assert ended.returncode == 0
    assert ended.stderr.startswith("npdigits.check_gradient: WARNING: leak=0.1 has no effect")
    lines = ended.stdout.splitlines()
    assert lines[0] == "784–30–20–10, activation=relu, output=sigmoid, cost=cross_entropy"
    assert lines[3].split() == ["layer", "group", "checked", "worst", "relative", "error", "kinks"]
    rows = [line.split() for line in lines[4:10]]
    assert [row[:2] for row in rows] == [[str(n), f"{kind}{n}"] for n in (1, 2, 3) for kind in "Wb"]
    assert all(row[-1] == "ok" and float(row[3]) < 1e-4 for row in rows)
    assert lines[-1] == "ok: the gradient is the derivative of the cost"


WRONG_TANH = """
from npdigits.nn.activations import ACTIVATIONS, tanh
from dataclasses import replace
def backward(delta, a, *z):
    delta *= 1 - a
ACTIVATIONS["tanh"] = lambda: replace(tanh(), backward=backward)
from npdigits.check_gradient import main
main()
"""


def test_the_program_says_what_is_wrong_and_its_exit_code_is_1():
    child = start_python(WRONG_TANH, "activation=tanh", "hidden=6")
    out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (1, "")
    lines = out.splitlines()
    assert [line.split()[-1] for line in lines[4:8]] == ["WRONG", "WRONG", "ok", "ok"]
    assert lines[9].startswith("WRONG: the derivative of the activation, ")
    assert lines[10].startswith("  layer 1's weights: ") and lines[11].startswith("  layer 1's biases: ")


def test_the_program_takes_the_sizes_of_the_users_own_files(tmp_path):
    folder = write_set(tmp_path / "digits")  # 8 × 7 pixels
    ended = typed("data=idx", f"data.dir={folder}", "hidden=[]")
    assert ended.returncode == 0 and ended.stdout.startswith("56–10, output=softmax, ")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["hiden=3"], "hiden=3: unknown key; did you mean hidden?"),
        (["activation=relu,tanh"], "activation=relu,tanh: allowed is one value"),
        (["resume=there"], "resume=there: not allowed: a configuration is checked, not a run; type its keys"),
        (["--multirun", "seed=0,1"], "unrecognized arguments: --multirun; --help tells more"),
    ],
)
def test_what_the_program_cannot_use_is_a_line(arguments, line):
    ended = typed(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"npdigits.check_gradient: {line}\n"
