"""Earlier looks at the same results: who looks until something is real will find something.

Each look at results has its own chance of a false finding. So looks are kept in the user's own folder for such things,
never beside the results, and from the second one on the verdict says what was looked at before. Who knows beforehand
how often they will look says so at the first look: then each is tested at ALPHA divided by that number.

That nothing can be read or written there never keeps anybody from comparing.
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence

from npdigits.base import paths
from npdigits.base.errors import ConfigError
from npdigits.base.lock import BusyError
from npdigits.base.text import on_one_line
from npdigits.compare.comparison import Comparison
from npdigits.compare.looks_file import Look, Question, Record, directory, read_records, write_records
from npdigits.compare.statistics import ALPHA

# So many looks are described.
MOST_DESCRIBED = 6


class Past:
    """The earlier looks at the results that a question is about.

    Attributes:
        looks: how many looks share the error of ALPHA, as was fixed at the first one; 1 if it was not.

    Args:
        question: what is asked now.
        planned: how many looks the user says that there will be; 0 where that is not said.
    """

    def __init__(self, question: Question, planned: int = 0) -> None:
        self._question, self._planned, self._trouble = question, planned, ""
        try:
            earlier = [record for record in read_records(directory()) if record.question.is_about(question)]
        except (OSError, ValueError, ConfigError) as error:
            earlier, self._trouble = [], on_one_line(error)
        self._fixed = earlier[0].planned if earlier else planned
        self.looks = self._fixed or 1

    def add(self, comparison: Comparison) -> Comparison:
        """Record that this comparison was looked at, and return it with what is to be said of that."""
        if not any(block.tests for block in comparison.blocks):
            return comparison
        look = dataclasses.replace(_look_of(comparison), which=_in_words(self._question))
        try:
            looks = self._record(look)
        except (OSError, ValueError, ConfigError, BusyError) as error:
            said = self._trouble or on_one_line(error) or "another process is writing there"
            note = f"this look is not recorded, and earlier ones are not known ({said})"
            return dataclasses.replace(comparison, notes=(*comparison.notes, note))
        return dataclasses.replace(comparison, looked=tuple(self._say(look, looks)))

    def _record(self, look: Look) -> list[Look]:
        """Write down a look, unless the same was made before; return all that were made at these results."""
        looks: list[Look] = []

        def add(records: list[Record]) -> list[Record]:
            looks.extend(one.look for one in records if one.question.is_about(self._question))
            if look in looks:
                return records
            looks.append(look)
            return [*records, Record(self._question, look, self._planned if len(looks) == 1 else self._fixed)]

        write_records(directory(), add)
        return list(dict.fromkeys(looks))

    def _say(self, look: Look, looks: Sequence[Look]) -> list[str]:
        """Return what is to be said of the looks at these results, this one among them."""
        place, fixed = looks.index(look) + 1, self._fixed
        others = [one for one in looks if one != look]
        if not others:
            return [f"Look 1 of {fixed} at these results: each is tested at {ALPHA / fixed:.3g}."] if fixed > 1 else []
        described = [one.differs_by(look) for one in others]
        more = f"; and {len(described) - MOST_DESCRIBED} more" if len(described) > MOST_DESCRIBED else ""
        when = "before" if place == len(looks) else "besides"
        which = f"({when}: {'; '.join(described[-MOST_DESCRIBED:])}{more})"
        late = ""
        if self._planned not in (0, fixed):
            late = f" --looks {self._planned} was not fixed at the first look, and changes nothing."
        if len(looks) > fixed > 1:
            only = f"the 5 % holds for the first {fixed} looks only, as fixed at the first"
            return [f"Look {place} at these results {which}: {only}.{late}"]
        if fixed > 1:
            return [f"Look {place} of {fixed} at these results {which}: each is tested at {ALPHA / fixed:.3g}.{late}"]
        return [f"Look {place} at these results {which}: the 5 % holds for one look only.{late}"]


def question_of(sources: Sequence[str], by: Sequence[str] = (), query: str | None = None) -> Question:
    """Return what a command line asks of which results."""
    places = tuple(sorted({str(paths.resolved(source)) for source in sources}))
    return Question(places, tuple(by), (query or "").strip())


def _in_words(question: Question) -> str:
    """Return how runs are chosen and averaged; "" where they are not."""
    parts = [f"by {' and '.join(question.by)}"] if question.by else []
    return " ".join([*parts, *([f"where {question.filter}"] if question.filter else [])])


def _look_of(comparison: Comparison) -> Look:
    """Return what a comparison tests."""
    blocks = comparison.blocks
    margins = dict.fromkeys(f"{block.margin.text}" for block in blocks if block.margin)
    against = (
        "the best observed" if not block.fixed else comparison.label(row, marks=True)
        for block in blocks
        for row in dict.fromkeys(block.references.values())
    )
    figures = hashlib.sha256()
    for block in blocks:
        for row in sorted(comparison.rows, key=lambda row: repr(sorted(row.values.items()))):
            values = row.figures.get(block.metric, row.figures[block.column])
            told = [block.metric, repr(sorted(row.values.items())), repr(row.seeds)]
            figures.update(json.dumps([*told, [value.hex() for value in values.tolist()]]).encode())
    return Look(
        metrics=tuple(dict.fromkeys(block.metric for block in blocks)),
        baselines=tuple(dict.fromkeys(against)),
        margin=", ".join(margins),
        unpaired=comparison.unpaired,
        figures=figures.hexdigest(),
        runs=sum(len(row.runs) for row in comparison.rows),
    )
