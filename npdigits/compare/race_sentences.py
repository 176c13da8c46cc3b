"""Sentences about a race and its claim: what was tried, what won, what the race had expected, what limits it all."""

import math
from collections.abc import Sequence
from typing import Any

from npdigits.compare.claim import OBJECTIVE, SETTING, Claim
from npdigits.compare.comparison import Comparison
from npdigits.compare.figures import format_difference, format_interval
from npdigits.compare.outcomes import outcome_of
from npdigits.compare.race_runs import Confirmed
from npdigits.compare.rows import ComparisonRow
from npdigits.compare.statistics import ALPHA
from npdigits.race.definition import Race
from npdigits.race.told import Told
from npdigits.runs.table import NULL

# At most this many seeds are named.
MOST_SEEDS = 30
# At most this many runs that do not belong there are named.
MOST_STRAYS = 5
IN_WORDS = {
    "better": "it is better than {0}",
    "worse": "it is worse than {0}",
    "same": "it is the same as {0} within the margin",
    "open": "it is not shown to differ from {0}, nor to be equal to it",
    "too few": "the seeds are too few to tell it from {0}",
    "untested": "it is not tested against {0}",
}


def say_level(confirmed: Confirmed) -> str:
    """Return why the tests have their level: "confirmation 2 of this race: 0.05/2^2"."""
    number = confirmed.confirmation.number
    return f"confirmation {number} of this race: {ALPHA:g}/2^{number}"


def introduce(confirmed: Confirmed) -> str:
    """Return the sentence that says what the rows are."""
    confirmation = confirmed.confirmation
    finalists = _counted(len(confirmed.finalists), "finalist")
    reference = "" if confirmation.reference is None else " and the reference"
    raced = f"{_counted(confirmation.settings, 'setting')}{_by_arm(confirmed.race, confirmation.settings)}"
    late = f" Confirmation {confirmed.later} is at work, and shown once it is complete." if confirmed.later else ""
    return (
        f"Confirmation {confirmation.number} of a race of {raced}: {finalists}{reference} on "
        f"{_counted(len(confirmation.seeds), 'fresh seed')}.{late}"
    )


def say_winner(comparison: Comparison, confirmed: Confirmed) -> list[str]:
    """Return which finalist has the highest mean of the confirmation, and what is shown of it.

    A finalist of which a run was lost cannot be it.
    """
    rows = rows_of(comparison)
    rows = {name: rows[name] for name in confirmed.finalists if name in rows and name not in confirmed.lost}
    # By exact sums, so that the order of seeds makes or breaks no tie.
    means = {name: math.fsum(row.figures[OBJECTIVE]) / len(row) for name, row in rows.items()}
    if not means:
        return ["There is no winner: of every finalist a run was lost."]
    best = [row for name, row in rows.items() if means[name] == max(means.values())]
    size = format_interval(best[0].interval(OBJECTIVE), OBJECTIVE, True)
    labels = " and ".join(comparison.label(row) for row in best)
    if len(best) > 1:
        return [f"No single winner: {labels} have the same highest mean, {size}."]
    baseline = name_baseline(confirmed)
    most = (
        f"of {_counted(len(rows), 'finalist')} the one with the highest mean" if len(rows) > 1 else "the only finalist"
    )
    shown = _say_outcome(comparison, best[0], baseline) + _say_higher(
        rows_of(comparison).get(confirmed.baseline), best[0]
    )
    said = f"Winner: {labels}, {most}, {size}; {shown}."
    if len(rows) > 1:
        said += " As the highest of several its mean is a little flattered; the tests do not depend on which it is."
    if len(confirmed.tested) > 1:
        said += f" Finalists are tested against {baseline} alone, not against each other."
    return [said]


def _say_outcome(comparison: Comparison, best: ComparisonRow, baseline: str) -> str:
    """Return what is shown of the finalist with the highest mean, which others may be compared with."""
    outcome = outcome_of(comparison, best)
    if outcome not in ("", "baseline"):  # "": of a single row nothing is tested
        return IN_WORDS[outcome].format(baseline)
    others = [outcome_of(comparison, row) for row in comparison.family.differences]
    if not others:
        return f"it is {baseline}"
    worse = others.count("worse")
    if len(others) == 1:
        return f"it is {baseline}, and the other is {'' if worse else 'not '}shown to be worse"
    are = "are" if worse > 1 else "is"
    return f"it is {baseline}, and {worse or 'none'} of the {len(others)} others {are} shown to be worse"


def _say_higher(reference: ComparisonRow | None, best: ComparisonRow) -> str:
    """Return that the mean of what finalists are compared with is above that of the best of them; else ""."""
    if reference is None or reference.interval(OBJECTIVE).mean <= best.interval(OBJECTIVE).mean:
        return ""
    size = format_interval(reference.interval(OBJECTIVE), OBJECTIVE, True)
    return f" (no finalist's mean is above the {size} of what they are compared with)"


def rows_of(comparison: Comparison) -> dict[str, ComparisonRow]:
    """Return the rows by their names in the column SETTING."""
    return {str(row.values[SETTING]): row for row in comparison.rows}


def say_expected(comparison: Comparison, claim: Claim) -> list[str]:
    """Return what the race had expected of each finalist, and how far that was off: the winner's curse."""
    parts = []
    for row in comparison.rows:
        before, fell = claim.in_race(row), claim.fell(row)
        if before is None or fell is None:
            continue
        seeds = _counted(before.n, "seed")
        now = format_interval(row.interval(OBJECTIVE), OBJECTIVE)
        verb = "fell" if fell.mean > 0 else "rose" if fell.mean < 0 else "moved"
        size = format_difference(fell._replace(mean=abs(fell.mean)), OBJECTIVE, True).removeprefix("+")
        estimate = format_interval(before._replace(half=None), OBJECTIVE, True)
        parts.append(f"{comparison.label(row)} {estimate} ({seeds}), here {now}: it {verb} by {size}")
    if not parts:
        return []
    return [
        f"What the race had measured, by which it chose and which claims nothing: {'; '.join(parts)} (± half of "
        "Welch's 95 % t interval, as the seeds are others)."
    ]


def make_notes(confirmed: Confirmed) -> tuple[str, ...]:
    """Return what stands under the table and in a paper's footnote."""
    race, one = confirmed.race, confirmed.confirmation
    tried = f"{_counted(one.settings, 'setting')} tried{_by_arm(race, one.settings)}"
    earlier = f", earlier confirmations {confirmed.earlier:,}" if confirmed.earlier else ""
    this = f"{confirmed.epochs:,}" if confirmed.is_complete else f"{confirmed.asked * race.epochs:,} at most"
    budget = (
        f"budget {one.budget:,} training epochs, of which the race took {one.used:,}{earlier} and this confirmation "
        f"{this}"
    )
    n = _counted(len(confirmed.tested), "finalist")
    corrected = ", corrected over them (Holm)," if len(confirmed.tested) > 1 else ""
    level = (
        "nothing is tested"
        if confirmed.baseline_lost or not confirmed.is_complete
        else (
            f"{n} tested on fresh seeds alone{corrected} at {one.alpha:.3g} ({say_level(confirmed)}), so "
            "that all confirmations of the race together err with at most 0.05"
        )
    )
    seeds = (
        f"Seeds of the race: {_named(race.seeds)}; of the confirmation, which the race never had: {_named(one.seeds)}"
    )
    return (
        f"{tried[0].upper()}{tried[1:]}; {budget}; {level}.",
        f"{seeds}.",
        _say_limit(confirmed),
    )


def _say_limit(confirmed: Confirmed) -> str:
    """Return what the claim does not speak of."""
    sets = " and ".join(f"the same {n:,} digits of {name}" for name, n in confirmed.digits.items()) or "the same digits"
    table = confirmed.runs.table
    fixed = "split_seed" in table and (table.split_seed.astype(str) != NULL).any()
    if fixed:
        how = (
            "split_seed is fixed, so fresh seeds have the same validation digits as the race, by which the finalists "
            f"were chosen, all drawn from {sets}"
        )
    else:
        how = f"fresh seeds draw the validation digits anew, but from {sets}, by which the finalists were chosen"
    return f"Limit: {how}: the claim is about these digits and not about new ones."


def make_facts(confirmed: Confirmed) -> dict[str, Any]:
    """Return the facts of a race for programs."""
    race, one = confirmed.race, confirmed.confirmation
    return {
        "settings": one.settings,
        "settings_of_arms": _count_by_arm(race, one.settings),
        "budget": one.budget,
        "epochs_used": one.used,
        "epochs_of_confirmation": confirmed.epochs if confirmed.is_complete else confirmed.asked * race.epochs,
        "epochs_of_earlier_confirmations": confirmed.earlier,
        "race_seeds": race.seeds,
        "confirmation": one.number,
        "complete": confirmed.is_complete,
        "confirmation_seeds": one.seeds,
        "alpha": one.alpha,
        "finalists": one.finalists,
        "baseline": confirmed.baseline,
        "lost": dict(confirmed.lost),
    }


def say_baseline_lost(confirmed: Confirmed) -> str:
    """Return that what the finalists are compared with is lost, and why; "" where it is not."""
    return f"{name_baseline(confirmed)} {confirmed.baseline_lost}" if confirmed.baseline_lost else ""


def say_unfinished(confirmed: Confirmed) -> str:
    """Return why a confirmation that is at work is not tested."""
    return (
        f"confirmation {confirmed.confirmation.number} is at work, {confirmed.ended} of its {confirmed.asked} runs "
        "have ended; it is tested once, when all have, and until then means are of the runs that finished"
    )


def say_strays(confirmed: Confirmed) -> list[str]:
    """Return that runs lie in a confirmation's folder which are not of it, as at most one remark."""
    if not confirmed.strays:
        return []
    number = confirmed.confirmation.number
    named = ", ".join(confirmed.strays[:MOST_STRAYS])
    more = f" and {len(confirmed.strays) - MOST_STRAYS} more" if len(confirmed.strays) > MOST_STRAYS else ""
    return [f"in no row, as not of confirmation {number}, or there twice: {named}{more}"]


def say_state(told: Told, confirmed: Confirmed | None) -> list[str]:
    """Return where a race stands of which nothing is claimed."""
    race, settings = told.race, len(told.race.settings)
    lines = [
        f"{told.folder}: a race of {_counted(settings, 'setting')}{_by_arm(race, settings)}; it claims nothing yet."
    ]
    for arm, course in told.courses.items():
        of = f" of {arm}" if arm else ""
        lines.append(
            f"Rung {course.rung.number}{of}: {len(course.alive)} of {len(race.settings_of(arm))} settings alive, "
            f"{_counted(len(course.jobs), 'run')} to do."
        )
    lines.append(f"Budget: {told.used:,} of {race.budget:,} training epochs taken by the race.")
    if confirmed is None:
        lines.append("No confirmation was begun: what the race has measured chose its settings, and is no claim.")
    elif lost := say_baseline_lost(confirmed):
        lines.append(f"Confirmation {confirmed.confirmation.number} tests nothing: {lost}.")
    elif confirmed.is_complete:
        lines.append(f"No run of confirmation {confirmed.confirmation.number} has finished: nothing is tested.")
    else:
        lines.append(f"{say_unfinished(confirmed)}."[0].upper() + f"{say_unfinished(confirmed)}."[1:])
    return lines


def name_baseline(confirmed: Confirmed) -> str:
    """Return what finalists are compared with, in words."""
    if confirmed.confirmation.reference is not None:
        return "the reference"
    arm = confirmed.race.settings[confirmed.confirmation.finalists[0]].arm
    return f"the best of the arm {arm}" if arm else "the race's own first choice"


def _count_by_arm(race: Race, n: int) -> dict[str, int]:
    """Return how many of the first n settings each arm has; nothing where there are no arms."""
    if race.arms == ("",):
        return {}
    arms = [setting.arm for setting in race.settings if setting.number < n]
    return {arm: arms.count(arm) for arm in race.arms}


def _by_arm(race: Race, n: int) -> str:
    """Return " (32 of dropout, 32 of l2)"; "" without arms."""
    counts = _count_by_arm(race, n)
    return f" ({', '.join(f'{n} of {arm}' for arm, n in counts.items())})" if counts else ""


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"


def _named(seeds: Sequence[int]) -> str:
    more = f" and {len(seeds) - MOST_SEEDS} more" if len(seeds) > MOST_SEEDS else ""
    return f"{', '.join(map(str, seeds[:MOST_SEEDS]))}{more}"
