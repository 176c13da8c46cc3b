"""Record the digest of the code, once no bit has changed: ``python experiments/record_code.py BEFORE``.

BEFORE is a checkout of the last commit whose recorded digest was true (``git worktree add ../before COMMIT``). Runs
``same_bits.py``, which takes about a minute, and writes ``npdigits/config/numerics.py`` of this checkout where no
result differs. Nothing is to prove, and BEFORE may be left out, where comments, docstrings and white space alone
changed. A change that does alter bits raises ``NUMERICS`` there by hand; its digest is then recorded as it is.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import same_bits

from npdigits.base.errors import ConfigError
from npdigits.base.program import Parser, exit_code, nonempty_path

PROGRAM = "record_code.py"
THIS = Path(__file__).resolve().parents[1]
NUMERICS = re.compile(r"^NUMERICS = (\d+)$", re.MULTILINE)
# Where NUMERICS stands, and where it stood before there was a digest.
PLACES = (same_bits.RECORD, same_bits.RECORD.with_name("identity.py"))


def main() -> None:
    """Record the digest, or say what stands against it; the exit code is 1 if bits differ."""
    parser = Parser(PROGRAM, description=(__doc__ or "").partition(":")[0])
    what = "a checkout of the last commit whose recorded digest was true"
    parser.add_argument("before", type=nonempty_path, metavar="BEFORE", nargs="?", help=what)
    sys.exit(exit_code(PROGRAM, lambda: record(THIS, parser.parse_args().before, same_bits.compare)))


def record(checkout: Path, before: Path | None, compare: Callable[[Path, Path], int]) -> int:
    """Record a checkout's digests, if that may be done; return the exit code.

    Args:
        checkout: whose record is written.
        before: what its bits are compared with.
        compare: (before, checkout) -> 0 if both leave the same bytes.

    Raises:
        ConfigError: there is nothing to compare with.
    """
    found, recorded = same_bits.digests_of(checkout), same_bits.digests_recorded(checkout)
    if found == recorded:
        print("nothing to record: the recorded digest is true")
        return 0
    why = "no token has changed"
    if found["CODE"] != recorded["CODE"]:
        why = _prove(checkout, before, compare)
    if not why:
        print("not recorded: mend the code, or raise NUMERICS where other bits are meant")
        return 1
    same_bits.record_digests(checkout, found)
    print(f"recorded in {same_bits.RECORD}: {found['CODE'][:8]} ({why})")
    return 0


def _prove(checkout: Path, before: Path | None, compare: Callable[[Path, Path], int]) -> str:
    """Return why a digest may be recorded; "" where bits have changed."""
    if before is None:
        raise ConfigError("BEFORE: needed, as tokens have changed: a checkout of the last commit with a true digest")
    recorded = same_bits.digests_recorded(before)
    if recorded and same_bits.digests_of(before)["CODE"] != recorded["CODE"]:
        raise ConfigError(f"{before}: its own recorded digest is not true, so it proves nothing")
    there, here = _numerics_of(before), _numerics_of(checkout)
    if here > there:
        return f"NUMERICS was {there} and is {here}, so other bits are meant"
    return "no byte of a result has changed" if compare(before, checkout) == 0 else ""


def _numerics_of(checkout: Path) -> int:
    """Return a checkout's NUMERICS.

    Raises:
        ConfigError: it has none.
    """
    for place in PLACES:
        if (checkout / place).exists() and (found := NUMERICS.search((checkout / place).read_text(encoding="utf-8"))):
            return int(found[1])
    raise ConfigError(f"{checkout}: no checkout of npdigits: NUMERICS is not there")


if __name__ == "__main__":
    main()
