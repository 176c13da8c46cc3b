"""Initializers: shapes, and the statistics of torch.nn.init."""

import numpy as np
import pytest
import torch

from npdigits.base.random import stream
from npdigits.nn.initializers import ALIASES, INITIALIZERS, initialize

FAN_IN, FAN_OUT = 400, 300
TORCH = {
    "xavier_normal": torch.nn.init.xavier_normal_,
    "xavier_uniform": torch.nn.init.xavier_uniform_,
    "he_normal": lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu"),
    "he_uniform": lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="relu"),
    "lecun_normal": lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="linear"),
    "lecun_uniform": lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="linear"),
    "normal": torch.nn.init.normal_,
    "zeros": torch.nn.init.zeros_,
}


def moments(w):
    """Return mean, standard deviation, kurtosis and the largest absolute value."""
    w = np.asarray(w, float).ravel()
    spread = w.std()
    kurtosis = ((w - w.mean()) ** 4).mean() / spread**4 if spread else 0.0
    return w.mean(), spread, kurtosis, np.abs(w).max()


@pytest.mark.parametrize("name", sorted(TORCH))
def test_statistics_are_torchs(name):
    torch.manual_seed(1)
    ours = initialize(name, stream(3, "initialization"), (FAN_IN, FAN_OUT))[0]
    mean, spread, kurtosis, largest = moments(ours)
    _, torch_spread, torch_kurtosis, torch_largest = moments(TORCH[name](torch.empty(FAN_OUT, FAN_IN)))
    assert ours.shape == (FAN_OUT, FAN_IN)
    # 120,000 draws: the standard error of the mean is σ/346, of σ about σ/490, of the kurtosis 0.014.
    assert abs(mean) <= 4 * spread / 346
    assert spread == pytest.approx(torch_spread, rel=0.015)
    assert kurtosis == pytest.approx(torch_kurtosis, abs=0.12)
    if name.endswith("uniform"):
        assert largest == pytest.approx(torch_largest, rel=1e-3)


def test_every_initializer_is_compared():
    assert set(INITIALIZERS) == {*TORCH, "xavier_he"}


def test_xavier_he_is_xavier_hidden_and_he_output():
    sizes = (500, 400, 300, 200)
    first, second, output = initialize("xavier_he", stream(0, "initialization"), sizes)
    assert first.std() == pytest.approx((2 / 900) ** 0.5, rel=0.01)
    assert second.std() == pytest.approx((2 / 700) ** 0.5, rel=0.01)
    assert output.std() == pytest.approx((2 / 300) ** 0.5, rel=0.01)


def test_softmax_regression_has_an_output_layer_only():
    (only,) = initialize("xavier_he", stream(0, "initialization"), (784, 10))
    assert only.shape == (10, 784)
    assert only.std() == pytest.approx((2 / 784) ** 0.5, rel=0.03)


def test_layers_and_seeds_differ_and_repeat():
    def draw(seed):
        return initialize("he_normal", stream(seed, "initialization"), (30, 30, 30))

    assert all(np.array_equal(a, b) for a, b in zip(draw(1), draw(1), strict=True))
    assert not np.array_equal(draw(1)[0], draw(2)[0])
    assert not np.array_equal(*draw(1))


def test_short_names_stand_for_the_normal_ones():
    assert ALIASES == {"xavier": "xavier_normal", "he": "he_normal", "lecun": "lecun_normal"}
    assert set(ALIASES.values()) <= set(INITIALIZERS)


def test_a_scale_multiplies_all_layers():
    usual, scaled = (initialize("normal", stream(0, "initialization"), (50, 40, 10), *s) for s in ((), (0.01,)))
    assert all(np.array_equal(0.01 * a, b) for a, b in zip(usual, scaled, strict=True))
    assert scaled[0].std() == pytest.approx(0.01, rel=0.05)
