"""Whether a difference is small enough not to matter: two one-sided tests against a margin.

That two settings are the same within a margin is shown by refuting, each at ALPHA, that one is better by the margin or
more, and that it is worse by the margin or more (Schuirmann 1987; Lakens 2017).
"""

import numpy as np
from numpy.typing import ArrayLike

from npdigits.compare.permutation import unpaired_p
from npdigits.compare.statistics import DRAWN, MOST_DRAWN, MOST_PAIRS, present, sign_flip_p


def margin_p(differences: ArrayLike, margin: float, *, rounding: float = 0.0) -> float:
    """Return the p of "not the same within ± margin", by two sign-flip tests: of d + margin > 0 and d − margin < 0.

    The larger p of the two. It assumes that the differences lie symmetrically about their mean: at a difference of
    just the margin, d − margin could then as well have had the other sign. Without pairs p is 1.

    Args:
        differences: (n,), of the pairs.
        margin: in the units of the differences, above 0.
        rounding: how far each difference may be off, as for ``sign_flip_p``.
    """
    d = np.asarray(differences, dtype=float)
    # d ± margin is rounded like the larger of the two.
    rounding += 1e-12 * margin
    above = sign_flip_p(d + margin, "greater", rounding=rounding)
    return max(above, sign_flip_p(d - margin, "less", rounding=rounding))


def unpaired_margin_p(x: ArrayLike, y: ArrayLike, margin: float, *, rounding: float = 0.0) -> float:
    """Return the p of "x̄ and ȳ are not the same within ± margin", by two of ``unpaired_p``.

    The larger p of those for x + margin > y and x − margin < y. Of unequal spread or shape they hold for many values,
    as those tests do.

    Args:
        x: (n,); NaN is left out.
        y: (m,), likewise.
        margin: in the units of the values, above 0.
        rounding: how far each value may be off, as for ``unpaired_p``.
    """
    x, y = present(x), present(y)
    above = unpaired_p(x + margin, y, "greater", rounding=rounding)
    return max(above, unpaired_p(x - margin, y, "less", rounding=rounding))


def least_margin_p(n: int) -> float:
    """Return the smallest p that ``margin_p`` can give for n pairs: 2⁻ⁿ, of one side."""
    if n > MOST_DRAWN:
        return 0.0
    return 2.0**-n if n <= MOST_PAIRS else 1 / (1 + DRAWN)
