"""Whether a confirmation could show any difference at all: the least p that so many seeds can have, and its level."""

import math

from npdigits.race.definition import Confirmation, Race


def least_confirm(tests: int, number: int) -> int:
    """Return how many fresh seeds the k-th confirmation needs at least to show a difference.

    Of n pairs of seeds the two-sided sign-flip test has ``p ≥ 2/2ⁿ``, and Holm's first of m tests (Holm 1979) is real
    where ``m·p ≤ 0.05/2ᵏ``: so ``2ⁿ ≥ 40·m·2ᵏ``.

    Args:
        tests: m, how many finalists are tested.
        number: k.
    """
    return math.ceil(math.log2(40 * tests)) + number if tests else 0


def say_hopeless(tests: int, seeds: int, number: int) -> str:
    """Return that a confirmation cannot show any difference, and with how many seeds it could; "" where it can."""
    least = least_confirm(tests, number)
    if seeds >= least:
        return ""
    times = f" times {tests} comparisons" if tests > 1 else ""
    return (
        f"confirmation {number} cannot show any difference, whatever comes out: the least p of {seeds} "
        f"seed{'s' * (seeds != 1)}, 2/2^{seeds}{times}, is above its level, 0.05/2^{number}; "
        f"race.confirm={least} is the least that could"
    )


def tests_of(confirmation: Confirmation, race: Race) -> int:
    """Return how many finalists a confirmation tests: those that are others than what they are compared with."""
    return len({race.settings[number].identity for number in confirmation.finalists} - {confirmation.against})
