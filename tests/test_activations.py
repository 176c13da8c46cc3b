"""Activations: values and derivatives of PyTorch's in both types, at the ends too; erfc against SciPy's."""

import numpy as np
import pytest
import torch
from scipy import special
from test_network import TORCH

from npdigits.base.choice import assemble
from npdigits.nn.activations import ACTIVATIONS, ALIASES
from npdigits.nn.erfc import erfc

TOLERANCE = {"float32": 1e-6, "float64": 4e-15}
ENDS = [0.0, 1e-45, -1e-45, 1e-20, -1e-20, 30.0, -30.0, 89.0, -89.0, 800.0, -800.0, 1e18, -1e18]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_and_derivatives_are_torchs(name, dtype):
    """Without a warning, whatever z; z and a are not changed by the derivative. PyTorch computes in float64."""
    z = np.concatenate([np.linspace(-12, 12, 4001), ENDS]).astype(dtype)
    z = z[z != 0] if "relu" in name else z  # the kink: no derivative there, and any choice between is right
    theirs = torch.tensor(z.astype(float), requires_grad=True)
    value = TORCH[name](theirs)
    value.sum().backward()
    activation = assemble(ACTIVATIONS[name], {"leak": 0.01})
    a, delta = z.copy(), np.full_like(z, 3.0)
    activation.apply(a)
    given = (a.copy(), z.copy()) if activation.needs_z else (a.copy(),)
    activation.backward(delta, *given)
    assert all(np.array_equal(array, before) for array, before in zip(given, (a, z), strict=False))
    np.testing.assert_allclose(a, value.detach(), rtol=TOLERANCE[dtype], atol=12 * TOLERANCE[dtype])
    np.testing.assert_allclose(delta / 3, theirs.grad, rtol=TOLERANCE[dtype], atol=2 * TOLERANCE[dtype])


@pytest.mark.parametrize(("dtype", "absolute", "relative"), [("float32", 4e-7, 2e-6), ("float64", 7e-16, 3e-15)])
def test_erfc_is_scipys(dtype, absolute, relative):
    x = np.linspace(0, 28, 200_001).astype(dtype)
    ours, reference = erfc(x), special.erfc(x.astype(float))
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, reference, rtol=0, atol=absolute)
    near = x < 4  # beyond, the rounding of x² counts, which e^(−x²) multiplies by x²
    np.testing.assert_allclose(ours[near], reference[near], rtol=relative)


def test_gelu_keeps_its_digits_where_it_is_small():
    z = np.array([-3.0, -6.0, -8.0])
    a = z.copy()
    assemble(ACTIVATIONS["gelu"], {"leak": 0}).apply(a)
    np.testing.assert_allclose(a, z * special.ndtr(z), rtol=1e-13)


def test_other_names_stand_for_one_that_there_is():
    assert set(ALIASES.values()) <= set(ACTIVATIONS) and not set(ALIASES) & set(ACTIVATIONS)
