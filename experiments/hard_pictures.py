"""Pictures as people make them: ``python experiments/hard_pictures.py RUN [RUN …]``

Draws digits of MNIST, and digits of strokes, as ink with many pens on many papers, in sun, shadow and lamplight, on
tables, on panels, cut out, faxed, in pieces, several at once – and what is no digit at all. Prints for each kind how
many are right when ``npdigits-predict`` reads them: a digit that is read, or, of several and of none, a refusal. A
picture depends on its kind, its number, the seed and the digits; so two versions of the code are compared on the same
pictures, with a bound of the net loss.

The digits are the first run's validation set; with ``--from test`` the test set, which is for a last look.
"""

import argparse
import shlex
import sys
import tempfile
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from hard import contact, kinds, making
from hard.drawing import Digits
from hard.scoring import SURE, Read, as_csv, from_csv, losses, read_by, summary

from npdigits.base.errors import DataUnavailable, UserError
from npdigits.base.program import Parser, exit_code, nonempty_path, whole_number
from npdigits.base.terminal import show, show_error
from npdigits.base.text import aligned
from npdigits.config.seeds import seed_of
from npdigits.data.sets import Data, Split, hold_out, load
from npdigits.runs.evaluation import load_test_set
from npdigits.runs.trained import Trained, load_trained

PROGRAM = "hard_pictures.py"
HERE = Path(__file__).resolve().parent.parent
# So many pictures are made, then read by one call of npdigits-predict.
AT_ONCE = 4000


def main() -> None:
    """Read the command line."""
    parser = Parser(PROGRAM, description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", nargs="*", type=nonempty_path, metavar="RUN", help="run directories")
    parser.add_argument("--kind", nargs="+", metavar="NAME", help="of these kinds alone, or those that begin so")
    parser.add_argument(
        "--n", type=whole_number(1, 1_000_000), default=200, help="pictures of each kind (default: 200)"
    )
    parser.add_argument("--seed", type=whole_number(0, 2**31), default=0, help="of the pictures (default: 0)")
    parser.add_argument(
        "--from", dest="part", choices=("validation", "test"), default="validation", help="whose digits"
    )
    parser.add_argument("--save", type=nonempty_path, metavar="FOLDER", help="keep the pictures, a folder a kind")
    parser.add_argument("--sheet", type=nonempty_path, metavar="FILE.png", help="write samples of each kind to look at")
    parser.add_argument("--csv", type=nonempty_path, metavar="FILE", help="write a line a picture")
    parser.add_argument(
        "--code", type=nonempty_path, metavar="FOLDER", default=HERE, help="of the code that reads them"
    )
    parser.add_argument(
        "--against", type=nonempty_path, metavar="BEFORE", help="an earlier --csv, or the folder of other code: before"
    )
    parser.add_argument("--options", default="", help='of npdigits-predict, in quotes: --options="--doubt 0"')
    sys.exit(exit_code(PROGRAM, lambda: act(parser.parse_args())))


def act(chosen: argparse.Namespace) -> int:
    """Make the pictures, have them read, print the table."""
    names = chosen_kinds(chosen.kind)
    runs = [load_trained(path) for path in chosen.runs]
    source = digits_of(runs, chosen.part)
    if chosen.sheet:
        contact.write(chosen.sheet, names, chosen.seed, source)
    if not runs:
        return 0
    earlier = from_csv(chosen.against) if chosen.against and chosen.against.is_file() else []
    other = [chosen.against] if chosen.against and not earlier else []
    after: list[Read] = []
    rows = [["run", "kind", "n", "right", "refused", "not sure", "wrong", f"p > {SURE}"]]
    if chosen.against:
        rows[0] += ["before", "lost", "gained", "net loss below"]
    each = max(1, AT_ONCE // chosen.n)
    for some in (names[i : i + each] for i in range(0, len(names), each)):
        with tempfile.TemporaryDirectory() as scratch:
            files = making.write_all(chosen.save or Path(scratch), some, chosen.n, chosen.seed, source)
            for run in runs:
                now, *before = (
                    read_by(code, run.path, files, shlex.split(chosen.options) if code == chosen.code else ())
                    for code in (chosen.code, *other)
                )
                after += now
                for name in some:
                    of_it = [read for read in now if read.kind == name]
                    rows.append([run.path.name, name, *summary(of_it)])
                    if chosen.against:
                        rows[-1] += compared(list(chain(earlier, *before)), of_it)
                    show_error("  ".join(rows[-1]))
    show("\n".join(aligned(rows, left=2)))
    if chosen.csv:
        chosen.csv.write_text(as_csv(after), encoding="utf-8")
    return 0


def compared(before: Sequence[Read], after: Sequence[Read]) -> list[str]:
    """Return what was right before on the same pictures, what was lost and gained, and the bound of the net loss."""
    keys = {read.key for read in after}
    same = [read for read in before if read.key in keys]
    if not same:
        return ["–"] * 4
    lost, gained, bound = losses(same, after)
    return [f"{sum(read.right for read in same) / len(same):.1%}", str(lost), str(gained), f"{bound:+.2%}"]


def chosen_kinds(beginnings: Sequence[str] | None) -> list[str]:
    """Return the kinds that are named, in the order of the table; what names none means all that begin so.

    Raises:
        UserError: there is none.
    """
    for beginning in beginnings or ():
        if not any(name.startswith(beginning) for name in kinds.KINDS):
            raise UserError(f"--kind {beginning}: allowed are {', '.join(kinds.KINDS)}, or their beginnings")
    some = tuple(beginning for beginning in beginnings or () if beginning not in kinds.KINDS)
    return [name for name in kinds.KINDS if not beginnings or name in beginnings or (some and name.startswith(some))]


def digits_of(runs: Sequence[Trained], part: str) -> Digits:
    """Return the digits that pictures are made of: held out from all of the runs.

    Without a run, or where a run's own set is not at hand, they are the test set of the embedded digits, which are
    training digits of MNIST.

    Raises:
        UserError: the runs hold out others, or none.
    """
    data = _data_of(runs)
    if data is None:
        return _plain(load("mnist_5k").test, (28, 28))
    if part == "test":
        return _plain(data.test, data.image_shape)
    divided = {(run.config.val_size, seed_of(run.config, "split")) for run in runs}
    if len(divided) > 1:
        raise UserError("the runs hold out different validation digits: name them one by one, or add --from test")
    ((size, seed),) = divided
    held = hold_out(data, size, seed)[1]
    if not len(held):
        raise UserError(f"{runs[0].path}: has no validation digits (val_size=0): --from test")
    return _plain(held, data.image_shape)


def _data_of(runs: Sequence[Trained]) -> Data | None:
    if not runs:
        return None
    try:
        return load_test_set(runs, (), show_error)
    except DataUnavailable as error:
        show_error(f"{error}: embedded digits are used instead, which the runs may have been trained on")
        return None


def _plain(split: Split, shape: tuple[int, int]) -> Digits:
    return Digits(split.images[split.rows].reshape(-1, *shape), split.labels[split.rows])


if __name__ == "__main__":
    main()
