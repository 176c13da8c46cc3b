"""Whether portable runs leave the same bytes elsewhere: ``python experiments/emulated.py -- qemu-x86_64 -cpu EPYC``.

Runs small configurations natively, and again by a command that runs a program elsewhere: on an emulated processor
(``apt-get install qemu-user``; Haswell, EPYC, EPYC-Milan, Skylake-Server …), or with another C library
(``…/ld-linux-x86-64.so.2 --library-path …``). ``--python`` names another interpreter, whose NumPy is another. Each is
given the settings, as a program that started itself again would leave the emulator. By hand: an emulated processor
takes some minutes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from exact import digests_of

from npdigits.base import portable
from npdigits.base.errors import ConfigError
from npdigits.base.program import Parser, exit_code
from npdigits.runs.json_table import read_environment

PROGRAM = "emulated.py"
CONFIGURATIONS = {
    "default": "hidden=20",
    "dropout": "hidden=[40,30] dropout=[0.2,0.5] input_dropout=0.1 max_norm=3",
    "affine": "hidden=20 augment=affine shear=10 shift=1",
    "elastic": "hidden=20 augment=elastic",
    "strokes": "hidden=20 augment=affine added_strokes=0.5",
    "float64": "hidden=20 dtype=float64",
    **{name: f"hidden=20 activation={name}" for name in ("gelu", "tanh", "sigmoid", "silu", "softplus")},
    "gelu in float64": "hidden=20 activation=gelu dtype=float64",
    "softplus in float64": "hidden=20 activation=softplus dtype=float64",
    "momentum": "hidden=20 optimizer=sgd momentum=0.9 lr=0.05",
    "wide rmsprop": "hidden=300 optimizer=rmsprop batch_size=128",
    "lion": "hidden=20 optimizer=lion lr=0.001",
    "sigmoids": "hidden=20 output=sigmoid",
    "tanh mse": "hidden=[30,20] output=tanh cost=mse schedule=cosine",
}
COMMON = ("data=mnist_5k", "epochs=2", "portable=true", "plots=false", "quiet=true", "threads=1")
SETTINGS = "import json; from npdigits.base import portable; print(json.dumps(portable.settings()))"


def settings_of(python: str) -> dict[str, str]:
    """Return the environment variables with which an interpreter computes portably, as its own NumPy has the names."""
    names = (portable.CORETYPE, portable.DISABLED, portable.ENABLED)
    plain = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run([python, "-c", SETTINGS], env=plain, capture_output=True, text=True)
    if done.returncode:
        raise ConfigError(f"{python}: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, str] = json.loads(done.stdout)
    return found


def train(command: Sequence[str], settings: Mapping[str, str], name: str, also: str, out: Path) -> Path:
    """Train a configuration by a command that runs Python; return the run directory."""
    keys = f"{CONFIGURATIONS[name]} {also}".split()
    typed = [*command, "-m", "npdigits.train", *COMMON, f"out={out / name}", *keys]
    done = subprocess.run(typed, env={**os.environ, **settings}, capture_output=True, text=True)
    if done.returncode:
        raise ConfigError(f"{name}: {' '.join(command)}: {done.stderr.strip().splitlines()[-1:]}")
    return out / name


def compare(native: Path, other: Path) -> list[str]:
    """Return what differs between two runs: what they leave, and operations."""
    ours, theirs = digests_of(native), digests_of(other)
    there, here = ((read_environment(run) or {})["portable"]["arithmetic"] for run in (other, native))
    operations = [f"{one} (operation)" for one in here if here[one] != there.get(one)]
    return [what for what in ours if ours[what] != theirs[what]] + operations


def act(chosen: argparse.Namespace) -> int:
    """Run what is asked for both ways; return 1 where something differs."""
    names = chosen.only.split(",") if chosen.only else list(CONFIGURATIONS)
    if not set(names) <= set(CONFIGURATIONS):
        raise ConfigError(f"--only {chosen.only}: allowed are {', '.join(CONFIGURATIONS)}")
    here, there = settings_of(sys.executable), settings_of(chosen.python)
    same = True
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            native = train([sys.executable], here, name, chosen.also, Path(scratch, "native"))
            other = train([*chosen.command, chosen.python], there, name, chosen.also, Path(scratch, "other"))
            differing = compare(native, other)
            same &= not differing
            print(
                f"{name}: {'the same bytes' if not differing else 'NOT the same: ' + ', '.join(differing)}", flush=True
            )
    return 0 if same else 1


def main() -> None:
    """Compare; the exit code is 1 where bytes differ."""
    parser = Parser(PROGRAM, description=(__doc__ or "").partition(":")[0])
    parser.add_argument(
        "--python", default=sys.executable, help="another interpreter, which has npdigits' dependencies"
    )
    parser.add_argument("--only", help="of the configurations only these, with commas")
    parser.add_argument("--also", default="", help="keys for all of them: 'epochs=1 val_size=2500' is quicker")
    parser.add_argument("command", nargs="*", metavar="-- COMMAND", help="that runs a program elsewhere")
    sys.exit(exit_code(PROGRAM, lambda: act(parser.parse_args())))


if __name__ == "__main__":
    main()
