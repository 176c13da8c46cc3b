"""The checks of the lessons: which belongs to which, and what is said of an answer.

A check judges behaviour: it calls the answer with cases drawn at random, always the same ones, and holds what comes
back against properties and against what our own modules compute.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from npdigits.base.errors import ConfigError
from npdigits.base.kinds import short_repr
from npdigits.base.terminal import show
from npdigits.lessons import backwards, beginnings, downhill, handwriting, own_parts, seeds, stopping, unit
from npdigits.lessons.answers import Wrong


@dataclass(frozen=True)
class Lesson:
    """A lesson.

    Attributes:
        check: judges the answer; raises ``Wrong``.
        functions: how many the answer consists of.
        learned: what one can say who has answered it.
    """

    check: Callable[..., None]
    functions: int
    learned: str


LESSONS: Mapping[int, Lesson] = {
    1: Lesson(unit.check, 1, "a unit multiplies, adds up and adds its bias: nothing else"),
    2: Lesson(backwards.check, 1, "your gradient is the one that npdigits trains with"),
    3: Lesson(beginnings.check, 1, "units that begin differently can learn different things"),
    4: Lesson(downhill.check, 1, "this is gradient descent, and you know what makes it run away"),
    5: Lesson(stopping.check, 1, "this rule stops training without looking into the future"),
    6: Lesson(seeds.check, 1, "this is the test by which npdigits-compare decides"),
    7: Lesson(own_parts.check, 3, "networks can be trained with your activation and your optimizer"),
    8: Lesson(handwriting.check, 1, "your digits now look to the network like those that it has learned from"),
}


@dataclass(frozen=True)
class Judgement:
    """What is said of an answer.

    Attributes:
        passed: whether it is right.
        line: the one line that is said.
    """

    passed: bool
    line: str


def judge(lesson: int, *functions: Any) -> Judgement:
    """Return whether an answer to a lesson is right, and what is said of it.

    Raises:
        ConfigError: there is no such lesson, or its answer has another number of functions.
    """
    if type(lesson) is not int or lesson not in LESSONS:
        raise ConfigError(f"lesson {short_repr(lesson)}: allowed is a whole number from 1 to {len(LESSONS)}")
    asked = LESSONS[lesson]
    if len(functions) != asked.functions:
        raise ConfigError(f"lesson {lesson}: its answer has {asked.functions} function(s), not {len(functions)}")
    try:
        asked.check(*functions)
    except Wrong as wrong:
        return Judgement(False, f"Lesson {lesson}: not yet. {wrong}")
    return Judgement(True, f"Lesson {lesson}: right. {asked.learned[0].upper()}{asked.learned[1:]}.")


def check(lesson: int, *functions: Any) -> None:
    """Say whether an answer to a lesson is right; if it is not, one line that helps.

    Args:
        lesson: its number.
        functions: the answer's, without brackets: ``check(3, my_function)``.

    Raises:
        ConfigError: as ``judge``.
    """
    show(judge(lesson, *functions).line)
