"""The complementary error function erfc(x) = 2/√π ∫ₓ^∞ e^(−u²) du, of x ≥ 0, in NumPy alone.

(1 + 2x)·e^(x²)·erfc(x) hardly varies from x = 0 (1) to ∞ (2/√π), and is a polynomial R in t = (x − 3.75)/(x + 3.75) to
any accuracy (Shepherd & Laframboise 1981, "Chebyshev approximation of (1 + 2x)exp(x²)erfc x in 0 ≤ x < ∞"):

    erfc(x) = e^(−x²)·R(t) / (1 + 2x)

No case is told apart, and the small values of large x keep their leading digits, as no 1 is subtracted. ``POWERS`` are
the first 24 of the Chebyshev coefficients, 12 for float32, as coefficients of t⁰, t¹, …; they were computed with forty
digits. Measured against ``scipy.special.erfc`` on 400,001 points from 0 to 10: off by 3.6e-7 at most in float32, and by
6e-16 in float64. The drawing page computes the same (``export/page_files/network.js``).
"""

from typing import Any

import numpy as np

from npdigits.base.arrays import Array

CENTRE = 3.75
# Coefficients of R, from that of t⁰ on.
POWERS = (
    *(1.23751263083782753, -0.140240598585546962, 3.58541548547902564e-3, 8.22767384901452077e-2),
    *(-1.08803930142444613e-1, 9.23043211603774778e-2, -5.86933985766493384e-2, 2.83622774189564043e-2),
    *(-9.74657968326526223e-3, 1.75562585289529536e-3, 2.9371437804495803e-4, -2.90154080540841711e-4),
    *(5.16465297417741613e-5, 2.23842391550822298e-5, -1.14380480333468936e-5, -9.73559896736774934e-7),
    *(1.74198215862248159e-6, -5.72182306032240875e-8, -2.48571262480167429e-7, 2.32635087088591237e-8),
    *(3.19792667166680429e-8, -3.74421008096201864e-9, -2.62310734713347576e-9, 3.1114333809799252e-10),
)
POWERS_OF_FLOAT32 = (
    *(1.23751261926769989, -0.140240658321386411, 3.58627039402461811e-3, 8.22784199834704666e-2),
    *(-1.08814270149050695e-1, 9.22907695913037828e-2, -5.86468587355461429e-2, 2.8409252364127258e-2),
    *(-9.84449485967495096e-3, 1.67591221798113118e-3, 3.96307612989362722e-4, -2.24116746744160212e-4),
)


def powers(dtype: np.dtype[Any]) -> tuple[float, ...]:
    """Return the coefficients that floats of this type need."""
    return POWERS_OF_FLOAT32 if dtype.itemsize <= 4 else POWERS


def erfc(x: Array) -> Array:
    """Return erfc of floats 0 ≤ x ≤ 1e18, of any shape, in their type."""
    t = x + CENTRE
    np.divide(-2 * CENTRE, t, out=t)
    t += 1
    last, *before = reversed(powers(x.dtype))
    r = np.full_like(x, last)
    for power in before:
        r *= t
        r += power
    np.multiply(x, x, out=t)
    np.negative(t, out=t)
    r *= np.exp(t, out=t)
    np.multiply(x, 2, out=t)
    t += 1
    r /= t
    return r
