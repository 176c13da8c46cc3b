"""The first instants of a program: Ctrl-C while its modules are imported is one line, as it is later.

A program's file begins with it::

    if __name__ == "__main__":
        start("npdigits.plots", "npdigits.plots")

This module imports as little as it can, as nothing answers Ctrl-C before it is there.

What is imported stays to the end, so Python does not look through it for garbage: not while more is imported, nor with
each collection, nor when the process ends. That took 0.08 s of 0.52 s of ``npdigits --cfg job``, and 0.27 s of 1.10 s
of a small ``npdigits-compare``.
"""

import gc
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
    gc.disable()
    try:
        if trains:
            from npdigits.base import portable

            portable.begin(sys.argv[1:])
        program = importlib.import_module(module)
    except KeyboardInterrupt:
        if sys.stderr:
            print(f"{name}: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    gc.freeze()
    gc.enable()
    try:
        program.main()
    finally:
        gc.freeze()
    sys.exit()
