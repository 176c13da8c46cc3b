"""A run that is watched, in a process of its own.

    python -m npdigits.live.learner WIRE PARTNER LEADS SPEED OUT key=value …

The server starts it, and tells it through a socket what to do; it is not for a command line. It trains by the function
by which ``npdigits`` does, with a control that waits, so its run directory is what the same keys leave elsewhere. When
the server ends, or is killed, the run is saved at its last epoch's end.
"""

if __name__ == "__main__":
    from npdigits.base.start import start

    start("npdigits.live.learner", "npdigits.live.learner", trains=True)

import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from npdigits.base import portable
from npdigits.base.errors import UserError
from npdigits.base.program import BAD_INPUT, exit_code
from npdigits.base.text import join_lines, on_one_line, printable
from npdigits.config.compose import compose
from npdigits.live.control import Control, tell
from npdigits.live.lockstep import Partner
from npdigits.live.sight import Sight
from npdigits.runs.prepare import load_data
from npdigits.runs.report import Report
from npdigits.runs.run import carry_out
from npdigits.runs.summary import Summary

PROGRAM = "npdigits.live.learner"


def main() -> None:
    """Train as the arguments say."""
    sys.exit(exit_code(PROGRAM, act))


def act() -> int:
    """Train, then go on to show what was trained until the server wants no more."""
    wire, partner, leads, speed, out, *overrides = sys.argv[1:]
    wires = [Connection(int(number)) for number in (wire, partner) if number]
    try:
        control, summary = _train(wires, leads == "1", float(speed), out, overrides)
    except (UserError, OSError) as error:
        tell(wires[0], {"kind": "failed", "why": printable(join_lines(str(error)))})
        return BAD_INPUT
    except Exception as error:
        tell(wires[0], {"kind": "failed", "why": f"this is a fault of npdigits: {on_one_line(error)}"})
        raise
    control.serve_rest(summary)
    return 0


def _train(
    wires: list[Connection], leads: bool, speed: float, out: str, overrides: list[str]
) -> tuple[Control, Summary]:
    """Do a run, and return its control and its summary.

    Raises:
        UserError: what was typed cannot be done.
    """
    config = compose(overrides)
    if config.portable:
        portable.enter()
    for wire in wires:  # processes that share the run have none of them
        os.set_inheritable(wire.fileno(), False)
    report = Report(quiet=True, silent=True)
    data = load_data(config.data, config.data.name, config.data.fallback, report.warn)
    partner = Partner(wires[1], leads) if len(wires) > 1 else None
    control = Control(wires[0], lambda run: Sight(run, data), partner, speed)
    summary = carry_out(config, Path(out) if out else None, overrides, control, data, report, False, [control])
    return control, summary
