"""Components of plain functions: against PyTorch and figures worked out by hand; what they may not do, in one line."""

import functools

import numpy as np
import pytest
import torch

from npdigits.base.choice import assemble
from npdigits.base.errors import OwnCodeError, UserError
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.network import Network, Parameters
from npdigits.nn.own_forms import cost_from, derivative_from, from_functions, initializer_from, schedule_from
from npdigits.nn.own_function import OwnFunction
from npdigits.nn.workspace import Workspace
from npdigits.training.stopping import STOPPING_RULES, stopping_rule_from


def swish(z, *, beta: float = 1.0):
    return z / (1 + np.exp(-beta * z))


def d_swish(z, a, *, beta: float = 1.0):
    s = 1 / (1 + np.exp(-beta * z))
    return s + beta * a * (1 - s)


def d_swish_of_z(z, *, beta: float = 1.0):
    s = 1 / (1 + np.exp(-beta * z))
    return s * (1 + beta * z * (1 - s))


def torch_swish(z, beta):
    return z * torch.sigmoid(beta * z)


@pytest.mark.parametrize("df", [d_swish, d_swish_of_z])
@pytest.mark.parametrize("beta", [None, 0.3, 2.5])
@pytest.mark.parametrize("shape", [(), (7,), (5, 4), (2, 3, 4)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_activation_of_two_functions_is_torchs(df, beta, shape, dtype):
    z = np.random.default_rng(0).normal(0, 3, shape).astype(dtype)
    z = np.array(z)
    theirs = torch.tensor(z, requires_grad=True)
    value = torch_swish(theirs, beta or 1.0)
    value.sum().backward()
    activation = from_functions(swish, df, {} if beta is None else {"beta": beta, "of_another": 3})
    a, delta = z.copy(), np.full_like(z, 2.0)
    activation.apply(a)
    activation.backward(delta, a, z)
    tolerance = {"float32": 1e-5, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(a, value.detach().numpy(), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(delta, 2 * theirs.grad.numpy(), rtol=tolerance, atol=tolerance)
    assert a.dtype == delta.dtype == dtype and activation.needs_z


def test_numbers_may_be_bound_before():
    z = np.array([0.5, -2.0])
    activation = from_functions(functools.partial(swish, beta=2.0), functools.partial(d_swish, beta=2.0))
    a = z.copy()
    activation.apply(a)
    np.testing.assert_allclose(a, z / (1 + np.exp(-2 * z)), rtol=1e-12)


def test_an_own_tanh_trains_as_the_built_in_one():
    """The gradient of a whole network, in a workspace that is larger than the batch."""
    sizes, rng = (12, 9, 7, 5), np.random.default_rng(0)
    parameters = Parameters(sizes, "float64")
    parameters.flat[:] = rng.normal(0, 0.5, parameters.flat.size)
    x, y = rng.normal(0, 1, (20, 12)), rng.integers(0, 5, 20)
    own = from_functions(np.tanh, lambda z: 1 / np.cosh(z) ** 2)
    gradients = []
    for activation in (own, assemble(ACTIVATIONS["tanh"], {"leak": 0})):
        gradient = Parameters(sizes, "float64")
        Network(parameters, activation).gradient(x, y, gradient, Workspace(sizes, 23, "float64"), 1 / 20)
        gradients.append(gradient.flat)
    np.testing.assert_allclose(*gradients, rtol=1e-9, atol=1e-14)


def focal(z, y, *, gamma: float = 2.0):
    """Lin et al. 2017, eq. 4: C = −(1 − p)^γ ln p, with p the probability of the image's class."""
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = (p / p.sum(axis=1, keepdims=True))[np.arange(len(y)), y]
    return -((1 - p) ** gamma) * np.log(p)


def d_focal(z, y, *, gamma: float = 2.0):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    q = p[np.arange(len(y)), y][:, None]
    return (gamma * (1 - q) ** (gamma - 1) * q * np.log(q) - (1 - q) ** gamma) * (np.eye(z.shape[1])[y] - p)


def test_a_cost_of_two_functions_is_torchs():
    rng = np.random.default_rng(0)
    z, y = rng.normal(0, 2, (9, 5)), rng.integers(0, 5, 9)
    theirs = torch.tensor(z, requires_grad=True)
    p = torch.softmax(theirs, 1)[torch.arange(9), torch.tensor(y)]
    values = -((1 - p) ** 3) * torch.log(p)
    values.sum().backward()
    np.testing.assert_allclose(cost_from(focal, {"gamma": 3.0})(z, y), values.detach().numpy(), rtol=1e-10)
    derivative_from(d_focal, {"gamma": 3.0})(z, y, np.arange(9))
    np.testing.assert_allclose(z, theirs.grad.numpy(), rtol=1e-9, atol=1e-14)


def test_an_initializer_draws_with_the_stream_and_in_float64():
    def mine(rng, fan_in, fan_out, *, gain: float = 1.0):
        return (gain * rng.normal(size=(fan_out, fan_in))).astype(np.float32)

    w = initializer_from(mine, {"gain": 2.0})(np.random.default_rng(3), 4, 3)
    assert w.dtype == np.float64 and w.shape == (3, 4)
    np.testing.assert_allclose(w, 2 * np.random.default_rng(3).normal(size=(3, 4)), rtol=1e-6)


def test_a_schedule_is_given_what_it_names():
    def mine(epoch, *, lr, epochs, gamma: float = 0.9):
        return lr * gamma**epoch + epochs

    assert [schedule_from(mine, 0.5, 20, {"gamma": 0.1})(epoch) for epoch in (0, 1)] == [20.5, 20.05]
    assert schedule_from(lambda epoch: np.float32(0.25), 0.5, 20)(7) == 0.25
    assert schedule_from(lambda epoch, *, lr: lr, 0.5, 20)(7) == 0.5
    assert [OwnFunction(mine, offered=("lr", "epochs")).asks_for(name) for name in ("epochs", "gamma", "x")] == [
        1,
        1,
        0,
    ]


def test_a_stopping_rule_is_the_built_in_one():
    def mine(val_costs, gaps, *, patience: int = 3):
        """Prechelt's rule with min_delta 0, another way."""
        return len(val_costs) - 1 - val_costs.index(min(val_costs)) >= patience

    costs = [1.0, 0.5, 0.4, 0.6, 0.45, 0.41, 0.39]
    for patience in (2, 3):
        ours, reference = (
            stopping_rule_from(mine, {"patience": patience}),
            assemble(STOPPING_RULES["val_cost"], {"patience": patience, "min_delta": 0.0, "window": 5}),
        )
        said = [ours(costs[:n], costs[:n]) for n in range(1, 8)]
        assert said == [reference(costs[:n], costs[:n]) for n in range(1, 8)]
        assert True in said and False in said
    assert stopping_rule_from(lambda val_costs, gaps: np.bool(True))([1.0], [0.0]) is True


def doubled_in_place(z):
    z *= 2
    return z


def first_one_set(z):
    z[0] = 1
    return z


def failing(z):
    return z.no_such_name


def unreadable_values(z):
    return np.sqrt(z)


Z = np.array([[4.0, -1.0]])
GIVEN = r"; it was given float64 \(1, 2\)$"
WRONG = {
    "in place": (doubled_in_place, rf"^test_own_forms.py, line \d+: doubled_in_place: it changes an array .*{GIVEN}"),
    "an element": (first_one_set, r"^test_own_forms.py, line \d+: first_one_set: it changes an array"),
    "raises": (failing, rf"^test_own_forms.py, line \d+: failing: AttributeError: .* 'no_such_name'{GIVEN}"),
    "NaN": (
        unreadable_values,
        rf"^test_own_forms.py, line \d+: unreadable_values: returned nan where it was given -1.0; .* finite.*{GIVEN}",
    ),
    "one number": (lambda z: 1.0, rf"returned float 1.0; allowed are floats of shape \(1, 2\){GIVEN}"),
    "another shape": (lambda z: z[:, :1], r"returned float64 \(1, 1\); allowed are floats of shape \(1, 2\)"),
    "true and false": (lambda z: z > 0, r"returned bool \(1, 2\); allowed are floats"),
    "nothing": (lambda z: None, r"returned NoneType None; allowed are floats"),
    "a tensor": (torch.tensor, r"allowed are floats of shape"),
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("which", ["f", "df"])
def test_what_a_function_does_wrong_is_said_in_one_line(wrong, which):
    function, message = WRONG[wrong]
    activation = from_functions(function, d_swish) if which == "f" else from_functions(swish, function)
    with pytest.raises(OwnCodeError, match=message) as caught:
        activation.apply(Z.copy()) if which == "f" else activation.backward(Z.copy(), Z.copy(), Z.copy())
    assert isinstance(caught.value, UserError) and len(str(caught.value).splitlines()) == 1


@pytest.mark.filterwarnings("ignore:invalid value")
def test_only_the_first_results_are_searched_for_nan():
    """Later ones end in a cost that is not finite, which the training checks."""
    activation = from_functions(np.sqrt, d_swish)
    activation.apply(np.array([np.nan, 4.0]))  # given none, it may return none; this was the first call
    later = np.array([-1.0])
    activation.apply(later)
    assert np.isnan(later[0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: from_functions(lambda: 1, d_swish), r"^<lambda>\(\): allowed is <lambda>\(z\)$"),
        (lambda: from_functions(swish, lambda z, a, b: z), r"\(z, a, b\): allowed is .*\(z\) or <lambda>\(z, a\)$"),
        (lambda: from_functions(lambda z, *, beta: z, d_swish), "^<lambda>: beta has no default"),
        (lambda: derivative_from(lambda z: z), r"allowed is <lambda>\(z, y\)"),
        (lambda: initializer_from(lambda rng: 0), r"allowed is <lambda>\(rng, fan_in, fan_out\)"),
        (lambda: schedule_from(lambda epoch, *, rate: 0, 1, 1), "rate has no default, .*; given are lr, epochs"),
        (lambda: stopping_rule_from(lambda costs: True), r"allowed is <lambda>\(val_costs, gaps\)"),
        (lambda: schedule_from(lambda epoch: "fast", 1, 1)(4), "returned 'fast' for epoch 4; allowed is a finite"),
        (lambda: schedule_from(lambda epoch: -1.0, 1, 1)(4), "returned -1.0 for epoch 4"),
        (lambda: schedule_from(lambda epoch: True, 1, 1)(4), "returned True for epoch 4"),
        (lambda: schedule_from(lambda epoch: float("nan"), 1, 1)(4), "returned nan for epoch 4"),
        (lambda: stopping_rule_from(lambda v, g: 1)([1.0], [0.0]), "returned 1 after 1 epochs; allowed is True or"),
        (lambda: stopping_rule_from(lambda v, g: v.append(1))([1.0], [0.0]), "'tuple' object has no attribute"),
        (lambda: cost_from(lambda z, y: z)(np.ones((3, 2)), np.zeros(3, int)), r"allowed are floats of shape \(3,\)"),
        (lambda: derivative_from(focal)(np.ones((3, 2)), np.zeros(3, int), None), r"are floats of shape \(3, 2\)"),
        (lambda: initializer_from(lambda r, i, o: np.ones((i, o)))(None, 2, 3), r"are floats of shape \(3, 2\)"),
    ],
)
def test_other_signatures_and_results_are_refused(make, message):
    with pytest.raises(OwnCodeError, match=message):
        make()


def test_labels_are_read_only_too():
    def spoils(z, y):
        y[0] = 1
        return z

    with pytest.raises(OwnCodeError, match="it changes an array that it was given"):
        derivative_from(spoils)(np.ones((3, 2)), np.zeros(3, int), None)
