"""Which units are dead, saturated and identical, on layers whose units are known."""

import numpy as np
import pytest

from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.own_forms import from_functions
from npdigits.nn.units import find_dead, find_identical, find_saturated, largest_slope, slopes

IMAGES = np.random.default_rng(0).random((200, 30)).astype(np.float32)


def layer(activation, biases, spread=1.0):
    """Return a, z of a unit a bias, all with the same weights."""
    z = (spread * (IMAGES @ np.linspace(-0.1, 0.1, 30, dtype=np.float32)))[:, None] + np.float32(biases)
    a = z.copy()
    activation.apply(a)
    return a, z


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "largest"),
    [("tanh", 1), ("sigmoid", 0.25), ("relu", 1), ("identity", 1), ("gelu", 1.129), ("softplus", 1)],
)
def test_the_largest_slope_is_the_derivatives_maximum(name, largest, dtype):
    assert largest_slope(ACTIVATIONS[name](), dtype) == pytest.approx(largest, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "dead", "saturated"),
    [
        # units with z around −40, −4, 0, 4, 40
        ("relu", [1, 1, 0, 0, 0], [1, 1, 0, 0, 0]),
        ("tanh", [1, 0, 0, 0, 1], [1, 1, 0, 1, 1]),
        ("sigmoid", [1, 0, 0, 0, 1], [1, 0, 0, 0, 1]),
        ("identity", [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]),
        ("gelu", [1, 0, 0, 0, 0], [1, 1, 0, 0, 0]),
    ],
)
def test_dead_and_saturated_units(name, dead, saturated):
    activation = ACTIVATIONS[name]()
    a, z = layer(activation, [-40, -4, 0, 4, 40])
    assert find_dead(a).tolist() == [bool(one) for one in dead]
    slope = slopes(activation, a, z)
    assert find_saturated(slope, largest_slope(activation, "float32")).tolist() == [bool(one) for one in saturated]


def test_the_slope_of_a_leaky_relu_is_not_flat():
    activation = ACTIVATIONS["leaky_relu"](leak=0.01)
    a, z = layer(activation, [-40])
    assert not find_dead(a)[0]
    assert not find_saturated(slopes(activation, a, z), 1.0)[0]


def test_a_unit_that_is_flat_at_fewer_images_is_not_saturated():
    slope = np.ones((100, 2))
    slope[:94, 0], slope[:95, 1] = 0, 0
    assert find_saturated(slope, 1.0).tolist() == [False, True]


def test_an_own_activation_is_looked_at_by_its_derivative():
    square = from_functions(lambda z: np.tanh(z) ** 2, lambda z, a: 2 * np.tanh(z) * (1 - a))
    a, z = layer(square, [-9, 1, 9])
    assert find_saturated(slopes(square, a, z), largest_slope(square, "float32")).tolist() == [True, False, True]


def test_rows_that_equal_another_are_identical_wherever_they_stand():
    rng = np.random.default_rng(1)
    w, b = rng.normal(size=(400, 20)), rng.normal(size=400)
    w[17], b[17] = w[390], b[390]
    w[40], b[40] = w[41] * (1 + 1e-6), b[41]  # drifted apart by rounding
    w[50], b[50] = w[51], b[51] + 0.1  # another bias
    w[60], b[60] = w[61] * 1.01, b[61]
    assert np.flatnonzero(find_identical(w, b)).tolist() == [17, 40, 41, 390]
    assert find_identical(np.zeros((3, 4)), np.zeros(3)).all()
    assert not find_identical(np.ones((1, 4)), np.zeros(1)).any()
