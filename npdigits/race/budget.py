"""How the training epochs that a race was given are divided: its arms get equal shares of what confirmations leave."""

from npdigits.race.course import least_budget
from npdigits.race.definition import Race

# So many times ``settings · epochs`` is the budget where none is said: a fifth of ten seeds of every setting.
TIMES = 2


def confirmation_epochs(race: Race) -> int:
    """Return the training epochs of the next confirmation: of its finalists and of what they are compared with."""
    return confirmation_rows(race) * race.confirm * race.epochs


def confirmation_rows(race: Race) -> int:
    """Return how many rows the next confirmation has at most: its finalists, and the reference."""
    return sum(min(race.finalists, settings_of_arm(race, arm)) for arm in race.arms) + (race.reference is not None)


def settings_of_arm(race: Race, arm: str) -> int:
    """Return how many settings an arm has, with those that a sampler has still to propose."""
    here = len(race.settings_of(arm))
    if len(race.settings) == race.wanted:
        return here
    return max(here, len(range(race.arms.index(arm), race.wanted, len(race.arms))))


def is_settled(race: Race) -> bool:
    """Say whether the last confirmation is of all that the race has been given: no other is due."""
    if not race.confirmations:
        return False
    last = race.confirmations[-1]
    given = last.settings, last.budget, last.each, len(last.seeds)
    asked = race.wanted, race.budget, race.finalists, race.confirm
    grown = any(now > before for now, before in zip(asked, given, strict=True))
    return not grown and last.reference == race.reference


def confirming_epochs(race: Race) -> int:
    """Return the training epochs put aside for confirmations: for those that were fixed, and the next if it is due.

    Those that were put aside for a confirmation stay there where it has fewer finalists: else the race would go on
    after it, and would no longer be the one that was confirmed.
    """
    return sum(one.planned for one in race.confirmations) + (0 if is_settled(race) else confirmation_epochs(race))


def share(race: Race) -> int:
    """Return the training epochs of each arm."""
    return max(0, race.budget - confirming_epochs(race)) // len(race.arms)


def least(race: Race) -> int:
    """Return the smallest budget that this race can be held with."""
    arms = max(least_budget(settings_of_arm(race, arm), race.epochs, race.finalists) for arm in race.arms)
    return arms * len(race.arms) + confirming_epochs(race)
