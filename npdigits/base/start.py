"""The first instants of a program: Ctrl-C while its modules are imported is one line, as it is later.

A program's file begins with it::

    if __name__ == "__main__":
        start("npdigits.plots", "npdigits.plots")

This module imports as little as it can, as nothing answers Ctrl-C before it is there.
"""

import importlib
import sys
from typing import NoReturn

# As shells have it: 128 and the number of SIGINT.
INTERRUPTED = 130


def start(name: str, module: str, trains: bool = False) -> NoReturn:
    """Import a program and run it.

    Args:
        name: of the program, as its messages begin.
        module: with a function ``main``, which ends by ``sys.exit``.
        trains: whether it may be told ``portable=true``, for which it is started again.
    """
    try:
        if trains:
            from npdigits.base import portable

            portable.begin(sys.argv[1:])
        program = importlib.import_module(module)
    except KeyboardInterrupt:
        if sys.stderr:
            print(f"{name}: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    program.main()
    sys.exit()
