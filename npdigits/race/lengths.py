"""Who ran how long: of each setting the epochs of its runs, and how its race ended; for the picture and the page."""

from collections.abc import Iterator
from dataclasses import dataclass

from npdigits.race.told import Told

# How a setting's race ended, or that it has not, and what that is called.
ENDS = {
    "confirmed": "confirmed on fresh seeds",
    "in": "in the race",
    "dropped": "dropped",
    "lost": "diverged or failed",
}


@dataclass(frozen=True)
class Length:
    """How long a setting ran.

    Attributes:
        setting: its number.
        overrides: what it is.
        epochs: of its runs, in the order of the race's seeds.
        end: one of ENDS.
        rung: after which it was dropped; None where it was not.
        why: it was dropped, or lost; "" where it was not.
        figures: its latest validation accuracies, a seed each; NaN where it was lost.
    """

    setting: int
    overrides: tuple[str, ...]
    epochs: tuple[int, ...]
    end: str
    rung: int | None
    why: str
    figures: tuple[float, ...]


def lengths_of(told: Told, arm: str) -> tuple[Length, ...]:
    """Return how long each setting of an arm ran: those in the race first, the best at the head, then the last dropped.

    Settings that were confirmed before and then dropped in a longer race stand where they were dropped.
    """
    course = told.courses[arm]
    drops = {drop.setting: drop for drop in course.dropped}
    confirmed = {setting for one in told.race.confirmations for setting in one.finalists}
    found = []
    for number in (*course.alive, *(drop.setting for drop in reversed(course.dropped))):
        drop = drops.get(number)
        runs = tuple(_runs(told, number))
        lost = next((why for _, why in runs if why), "")
        in_or_out = "dropped" if drop else "in"
        found.append(
            Length(
                setting=number,
                overrides=told.race.settings[number].overrides,
                epochs=tuple(epochs for epochs, _ in runs),
                end="confirmed" if number in confirmed else "lost" if lost else in_or_out,
                rung=drop.rung if drop else None,
                why=drop.why if drop else lost,
                figures=course.figures.get(number, ()),
            )
        )
    return tuple(found)


def _runs(told: Told, setting: int) -> Iterator[tuple[int, str]]:
    """Yield of each of a setting's runs the epochs that it has had, and why it is lost."""
    for seed in range(len(told.race.seeds)):
        ran = told.ledger.ran(setting, seed)
        if ran is None:
            return
        yield ran.epochs, ran.lost
        if ran.lost:  # the setting has lost, whatever its other seeds did
            return
