"""``python -m npdigits``: say which programs there are."""

import sys

from npdigits.base.program import Parser, console_script, exit_code
from npdigits.base.terminal import show
from npdigits.base.text import aligned

# module -> what it is for
PROGRAMS = {
    "npdigits.train": "train a network, or a sweep of them with --multirun",
    "npdigits.data": "show what is understood of a file or folder of digits, before training on it",
    "npdigits.live": "watch runs and sweeps in a browser while they go on",
    "npdigits.compare": "compare runs: which differences are real?",
    "npdigits.evaluate": "score trained runs, or a committee of them, on a test set",
    "npdigits.predict": "read digits with a trained network, in pictures or in files of many",
    "npdigits.export": "take a trained network elsewhere: a page to draw digits on, an ONNX file",
    "npdigits.check_gradient": "check a configuration's gradient by differences of its cost",
    "npdigits.plots": "draw the plots of run directories again",
}


def main() -> None:
    """Print the programs; the exit code is 2 for anything but --help and --version."""
    parser = Parser("npdigits", prog="python -m npdigits", description="Say which programs there are.")
    sys.exit(exit_code("npdigits", lambda: act(parser)))


def act(parser: Parser) -> int:
    """Print a line for each program, and how to learn more; return the exit code."""
    parser.parse_args()
    rows = [[command_of(module), f"python -m {module}", purpose] for module, purpose in PROGRAMS.items()]
    show("npdigits: experiments with a neural network for handwritten digits, from scratch on NumPy\n")
    show("\n".join(aligned(rows, left=3)))
    show("\nEach has --help. From Python: npdigits.compose, run, load_runs, load_metrics, Classifier.")
    return 0


def command_of(module: str) -> str:
    """Return the console script of a program's module."""
    return "npdigits" if module == "npdigits.train" else console_script(module)


if __name__ == "__main__":
    main()
