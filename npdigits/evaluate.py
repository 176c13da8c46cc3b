"""Score trained runs, or a committee, on labelled digits: ``python -m npdigits.evaluate RUN [RUN …] [PATH]``."""

if __name__ == "__main__":
    from npdigits.base.start import start

    start("npdigits.evaluate", "npdigits.evaluate")

import argparse
import functools
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from npdigits.base import targets
from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError
from npdigits.base.program import Parser, add_trust, exit_code, warn
from npdigits.base.spreadsheet import csv_table
from npdigits.base.targets import SIGNS
from npdigits.base.terminal import hand_over, show, show_error
from npdigits.base.text import printable
from npdigits.config.compose import compose
from npdigits.runs import evaluation
from npdigits.runs.race_part import DEFINITION
from npdigits.runs.scores import Scores, rows_by_run, score, worst_sheet

PROGRAM = "npdigits.evaluate"
SKIPPED = 1
OVERRIDE = re.compile(r"data(\.\w*)?=")


def main() -> None:
    """Print the table; the exit code is 1 where a picture could not be read, 2 for bad input."""
    parser = Parser(PROGRAM, description=(__doc__ or "").partition(":")[0])
    parser.add_argument(
        "arguments",
        nargs="+",
        metavar="RUN",
        help="run directories; then, for other test digits than their own, a file or folder of labelled digits of any "
        "form, or data=… with its keys",
    )
    parser.add_argument(
        "--csv", metavar="FILE", help="write the confusion matrix; - for standard output, in place of the table"
    )
    parser.add_argument(
        "--ranking", metavar="FILE", help="write a CSV with a row a run, the best first: name, parameters, accuracy, …"
    )
    parser.add_argument("--sheet", metavar="FILE", help="write a PNG of the digits that were read worst")
    add_trust(parser)
    sys.exit(exit_code(PROGRAM, lambda: act(parser.parse_args())))


def act(chosen: argparse.Namespace) -> int:
    """Do what was asked for; return the exit code.

    Raises:
        UserError: something that was typed cannot be.
    """
    asked = {
        option: target for option in ("csv", "ranking", "sheet") if (target := getattr(chosen, option)) is not None
    }
    targets.check(asked)
    for option in {"ranking", "sheet"} & asked.keys():
        if asked[option] == "-":
            raise ConfigError(f"--{option} -: allowed is the name of a file")
    overrides = [argument for argument in chosen.arguments if OVERRIDE.match(argument)]
    runs, file = _divided([argument for argument in chosen.arguments if argument not in overrides])
    if file is not None and (name := next((one for one in overrides if one.startswith("data=")), None)):
        raise ConfigError(f"{name}: allowed is {file} or a data set by its name, not both")
    targets.check_unread(asked, _places_of(file, overrides))
    if not asked.get("sheet", ".png").lower().endswith(".png"):
        raise ConfigError(f"--sheet {asked['sheet']}: allowed is a name that ends in .png, as it is a PNG")
    scores = score_all(runs, overrides, chosen.trust, file, ranked="ranking" in asked)
    names = scores.exam.classes
    if "sheet" in asked:
        targets.put(Path(chosen.sheet), worst_sheet(scores))
    if "ranking" in asked:
        head, *ranked = rows_by_run(scores)
        targets.put(Path(chosen.ranking), csv_table(head, ranked).encode())
    if "csv" in asked:
        rows = evaluation.confusion_rows(scores.counts, names, scores.doubted_counts)
        text = csv_table(rows[0], rows[1:])
        if chosen.csv == "-":
            hand_over(text)
        else:
            targets.put(Path(chosen.csv), text.encode())
    if chosen.csv != "-":
        show("\n".join([*scores.lines, *evaluation.confusion_lines(scores.counts, names, scores.doubted_counts)]))
    for picture, reason in scores.exam.unreadable:
        show_error(f"{PROGRAM}: skipped: {printable(str(picture))}: {printable(reason)}")
    return SKIPPED if scores.exam.unreadable else 0


def _places_of(file: Path | None, overrides: Sequence[str]) -> list[Path]:
    """Return the files and folders that were typed to be read.

    Raises:
        ConfigError: an override is not allowed.
    """
    if file is not None or not overrides:
        return [] if file is None else [file]
    chosen = compose(overrides).data
    return [place for place in (*chosen.files(), chosen.folder()) if place]


def _divided(arguments: Sequence[str]) -> tuple[list[Path], Path | None]:
    """Return the run directories among the arguments, and the file or folder of labelled digits.

    Raises:
        ConfigError: an argument can be neither, or there are several of the latter.
    """
    for path in arguments:
        if not path or ("=" in path and not Path(path).exists()):
            raise ConfigError(f"{path or repr(path)}: allowed are run directories, and data=… with its keys")
    paths = [Path(argument) for argument in arguments]
    files = [path for path in paths[1:] if _holds_digits(path)]
    if len(files) > 1:
        raise ConfigError(f"{files[0]}, {files[1]}: allowed is one file or folder of digits; the others are no runs")
    return [path for path in paths if path not in files], files[0] if files else None


def _holds_digits(path: Path) -> bool:
    """Say whether a path that was typed is no run directory, nor one of a sweep or a race, but may hold digits."""
    if not path.exists() or any((path / name).exists() for name in (*SIGNS, "sweep.csv", DEFINITION)):
        return False
    return path.is_file() or not any(path.glob("*/summary.json"))


def evaluate(
    paths: Sequence[Path], overrides: Sequence[str] = (), trust: bool = False
) -> tuple[list[str], Array, tuple[str, ...]]:
    """Return what ``score_all`` says: a line for each run, the confusion matrix of the last, and the classes' names."""
    scores = score_all(paths, overrides, trust)
    return scores.lines, scores.counts, scores.exam.classes


def score_all(
    paths: Sequence[Path],
    overrides: Sequence[str] = (),
    trust: bool = False,
    file: Path | None = None,
    ranked: bool = False,
) -> Scores:
    """Score runs as ``runs.scores.score`` does, with its warnings on standard error."""
    return score(paths, overrides, functools.partial(warn, PROGRAM), trust, file, ranked)
