"""Max-norm: no hidden unit's weights become longer than c (Srivastava et al. 2014, §5.1).

w ← w·min(1, c/‖w‖), after each step, for the incoming weights w of each unit; biases do not change.
"""

import numpy as np

from npdigits.base.arrays import Array


def shorten(w: Array, c: float) -> None:
    """Shorten the rows of w that are longer than c, in place.

    Args:
        w: weights of shape (units, fan_in).
        c: the length allowed, > 0.
    """
    squares = np.einsum("ij,ij->i", w, w)
    too_long = np.flatnonzero(squares > c * c)
    if len(too_long):
        w[too_long] *= (c / np.sqrt(squares[too_long]))[:, None]
