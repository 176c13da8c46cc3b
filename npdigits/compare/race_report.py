"""What a race claims, and what stands there before it claims anything: from the folder of a race to lines of text."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from npdigits.base.text import printable
from npdigits.compare import formats
from npdigits.compare.claim import ARM, SETTING, Claim
from npdigits.compare.comparison import Comparison, compare
from npdigits.compare.difference import Difference
from npdigits.compare.family import Block
from npdigits.compare.race_runs import Confirmed, read_confirmed, read_earlier
from npdigits.compare.race_sentences import (
    introduce,
    make_facts,
    make_notes,
    name_baseline,
    say_baseline_lost,
    say_expected,
    say_level,
    say_state,
    say_strays,
    say_unfinished,
    say_winner,
)
from npdigits.compare.statistics import Numbers, holm
from npdigits.compare.verdict import footnotes, left_out, verdict
from npdigits.compare.views import configurations
from npdigits.config.compose import compose
from npdigits.race.definition import read_race
from npdigits.race.ledger import Ledger
from npdigits.race.told import tell
from npdigits.runs.text_columns import held_by_python

# What is corrected of a difference, what that is then, and over how many comparisons of its block.
CORRECTED = (
    ("p", "corrected", "comparisons"),
    ("lowest", "least", "comparisons"),
    ("within_p", "within_corrected", "within_comparisons"),
    ("within_lowest", "within_least", "within_comparisons"),
)


@held_by_python
def report(folder: Path) -> str:
    """Return what the terminal shows of a race: table, verdict, what was expected, notes; or where it stands.

    Raises:
        RunDirError: it cannot be read.
    """
    comparison = compare_race(folder)
    if comparison is None:
        return "".join(f"{printable(line)}\n" for line in describe_state(folder))
    lines = [*verdict(comparison), *footnotes(comparison), *left_out(comparison)]
    return formats.terminal(configurations(comparison), lines)


def describe_state(folder: Path) -> list[str]:
    """Return where a race stands that claims nothing yet.

    Raises:
        RunDirError: it cannot be read.
    """
    told = tell(folder)
    return say_state(told, read_confirmed(folder, told.race))


def compare_race(
    folder: Path, shown: Sequence[str] = (), margin: str | None = None, sort: str | None = None
) -> Comparison | None:
    """Compare the finalists of a race's last complete confirmation with the reference, by its runs alone.

    The tests are at ``0.05/2^k`` for the k-th confirmation, corrected over its finalists (Holm). A confirmation that is
    at work is shown and not tested: who tested on the way would look more often than the level allows.

    Args:
        folder: of the race.
        shown, margin, sort: as for ``compare``.

    Returns:
        None where there is no confirmation with a finished run.

    Raises:
        RunDirError: the race cannot be read.
        ConfigError: a name is unknown.
    """
    race = read_race(folder)
    confirmed = read_confirmed(folder, race)
    if confirmed is None or not confirmed.finished:
        return None
    is_there = confirmed.baseline in confirmed.finished
    why = "" if is_there else "no run of what the finalists are compared with has finished"
    why = why if confirmed.is_complete else say_unfinished(confirmed)
    why = say_baseline_lost(confirmed) or why
    compared = compare(
        confirmed.runs,
        baseline={SETTING: confirmed.baseline} if is_there else "best",
        default=compose().as_dict(),
        sort=sort,
        shown=shown,
        margin=margin,
        looks=2**confirmed.confirmation.number,
        # A race is run wherever there is room, so its rows hold the runs of all environments.
        pooled=True,
        # Of one seed nothing is claimed: what was fixed is a test of validation accuracies over seeds.
        by_digits=False,
    )
    blocks = tuple(_as_claimed(block, confirmed, not why) for block in compared.blocks)
    compared = dataclasses.replace(
        compared,
        blocks=blocks,
        baseline=blocks[0].kind,
        constant={key: value for key, value in compared.constant.items() if key not in (ARM, SETTING)},
        notes=(*compared.notes, *_doubts(confirmed), *say_strays(confirmed)),
        level=say_level(confirmed),
        untested=why,
    )
    return _with_claim(compared, confirmed, read_earlier(Ledger(folder, race), confirmed))


def _doubts(confirmed: Confirmed) -> list[str]:
    """Return what was strange about the runs of a confirmation; what is unreadable is listed with what was left out."""
    return [line for line in confirmed.runs.warnings if not line.startswith("skipped: ")]


def _with_claim(comparison: Comparison, confirmed: Confirmed, earlier: Mapping[str, Numbers]) -> Comparison:
    """Return a comparison with what is to be said of the race."""
    claim = Claim(earlier=earlier, notes=make_notes(confirmed), facts=make_facts(confirmed))
    winner = [] if comparison.untested else say_winner(comparison, confirmed)
    said = (*winner, *say_expected(comparison, claim))
    return dataclasses.replace(comparison, claim=dataclasses.replace(claim, begins=introduce(confirmed), said=said))


def _as_claimed(block: Block, confirmed: Confirmed, is_tested: bool) -> Block:
    """Return a block as the race claims it; finalists that have lost are corrected for, and not tested."""
    if not is_tested:
        return dataclasses.replace(block, differences={}, kind="")
    kind = name_baseline(confirmed)
    lost = {row: why for row in block.differences if (why := confirmed.lost.get(row.values[SETTING]))}
    if not lost:
        return dataclasses.replace(block, kind=kind)
    kept = {row: one for row, one in block.differences.items() if row not in lost}
    for of, corrected, n in CORRECTED:
        known = {row: p for row, one in kept.items() if (p := getattr(one, of)) is not None}
        for row, p in zip(known, holm(list(known.values()), getattr(block, n)), strict=True):
            kept[row] = dataclasses.replace(kept[row], **{corrected: p})  # type: ignore[arg-type]
    out = {row: _untested(block.differences[row], why) for row, why in lost.items()}
    return dataclasses.replace(block, kind=kind, differences={row: (kept | out)[row] for row in block.differences})


def _untested(difference: Difference, why: str) -> Difference:
    """Return a difference of which nothing is claimed."""
    return dataclasses.replace(
        difference, why=why, p=None, corrected=None, least=None, within_p=None, within_corrected=None
    )
