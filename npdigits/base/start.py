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


def start(name: str, module: str) -> NoReturn:
    """Import a program and run it.

    Args:
        name: of the program, as its messages begin.
        module: with a function ``main``, which ends by ``sys.exit``.
    """
    try:
        program = importlib.import_module(module)
    except KeyboardInterrupt:
        if sys.stderr:
            print(f"{name}: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    program.main()
    sys.exit()
