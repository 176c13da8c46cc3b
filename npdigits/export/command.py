"""Take a trained network elsewhere, and runs to an experiment tracker: ``python -m npdigits.export RUN … --onnx FILE``.

``--html`` and ``--onnx`` take one run; ``--tensorboard``, ``--mlflow``, ``--trackio`` and ``--csv`` any number of
runs and sweeps. ``--html FILE --learn`` needs none.
"""

import argparse
import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from npdigits.base import targets
from npdigits.base.errors import ConfigError, RunDirError, UserError
from npdigits.base.program import Parser, add_trust, exit_code, nonempty_path, warn
from npdigits.base.terminal import hand_over, show, show_error
from npdigits.data.sets import Split
from npdigits.export import mlflow, tensorboard, trackio
from npdigits.export.exported import Exported, read_exported
from npdigits.export.learn import learn_page
from npdigits.export.onnx_file import onnx_file
from npdigits.export.page import page
from npdigits.export.tidy import tidy_csv
from npdigits.pictures.mnist_form import SIDE
from npdigits.runs import trained
from npdigits.runs.evaluation import load_test_set
from npdigits.runs.trained import Trained

PROGRAM = "npdigits.export"


def load_test_digits(run: Trained) -> Split | None:
    """Return the run's test digits; None, with a warning, where its data is not at hand."""
    try:
        return load_test_set([run], (), functools.partial(warn, PROGRAM)).test
    except UserError as error:
        warn(PROGRAM, f"the page has no test digits: {error}")
        return None


def _html(run: Trained) -> bytes:
    """Return the page of a run that reads images of 28 × 28.

    Raises:
        RunDirError, ConfigError: there is none of this run.
    """
    if (shape := run.summary.image_shape) != [SIDE, SIDE]:
        raise RunDirError(
            f"{run.path}: was trained on images of {shape}; what is drawn on the page becomes {SIDE} × {SIDE}: "
            "--onnx takes any size"
        )
    return page(run, load_test_digits(run)).encode()


# MLflow's experiment and Trackio's project, where none is named.
EXPERIMENT = "npdigits"
# option -> the function that writes runs there: (target, runs, experiment) -> a line about it
TRACKERS: dict[str, Callable[[str, Sequence[Exported], str], str]] = {
    "tensorboard": lambda target, runs, _: tensorboard.export(target, runs),
    "mlflow": mlflow.export,
    "trackio": trackio.export,
}
OPTIONS = {"html": "FILE", "onnx": "FILE", "csv": "FILE", "tensorboard": "DIR", "mlflow": "URI", "trackio": "DIR"}
# option -> the function that makes the file
FORMATS: dict[str, Callable[[Trained], bytes]] = {"html": _html, "onnx": onnx_file}


def main() -> None:
    """Write the files; the exit code is 2 for bad input."""
    parser = Parser(PROGRAM, description="Take a trained network elsewhere, and runs to an experiment tracker")
    parser.add_argument(
        "runs",
        nargs="*",
        type=nonempty_path,
        metavar="RUN",
        help="a run directory, or SWEEP/best; for the trackers and --csv also a folder of runs, and several of these; "
        "with --learn none is needed",
    )
    one, many = parser.add_argument_group("of one run"), parser.add_argument_group("of one run, or of many")
    one.add_argument("--html", metavar="FILE", help="a page to draw digits on, which needs no network")
    one.add_argument(
        "--learn", action="store_true", help="with --html: a page that trains a network, with RUN by its settings"
    )
    one.add_argument("--onnx", metavar="FILE", help="the network for ONNX Runtime and others")
    many.add_argument("--csv", metavar="FILE", help="one table with a row an epoch; - prints it")
    many.add_argument("--tensorboard", metavar="DIR", help="TensorBoard's event files, a folder a run")
    many.add_argument("--mlflow", metavar="URI", help="an MLflow store: a folder, sqlite:///FILE, http://…")
    many.add_argument("--trackio", metavar="DIR", help="Trackio's folder")
    many.add_argument(
        "--experiment", metavar="NAME", help=f"MLflow's experiment, Trackio's project; {EXPERIMENT} if not given"
    )
    add_trust(parser)
    sys.exit(exit_code(PROGRAM, lambda: act(parser.parse_args())))


def act(chosen: argparse.Namespace) -> int:
    """Do what was asked for; return the exit code.

    Raises:
        UserError: something that was typed cannot be.
    """
    asked = {name: target for name in FORMATS if (target := getattr(chosen, name)) is not None}
    tracked = {name: target for name in ("csv", *TRACKERS) if (target := getattr(chosen, name)) is not None}
    if not asked and not tracked:
        options = ", ".join(f"--{name} {kind}" for name, kind in OPTIONS.items())
        raise ConfigError(f"nothing to write: allowed are {options}")
    if chosen.learn and chosen.html is None:
        raise ConfigError("--learn: allowed is --html FILE --learn, with or without a RUN")
    if not chosen.runs and (
        missing := next((name for name in (*asked, *tracked) if name != "html" or not chosen.learn), "")
    ):
        raise ConfigError(f"--{missing}: which RUN? Without one allowed is --html FILE --learn alone")
    if "-" in asked.values():
        raise ConfigError("-: allowed is the name of a file")
    for name in asked:
        if len(chosen.runs) > 1:
            raise ConfigError(f"--{name}: allowed is one run with it, {len(chosen.runs)} are given")
    if chosen.experiment is not None and (not chosen.experiment.strip() or not {"mlflow", "trackio"} & set(tracked)):
        raise ConfigError(f"--experiment {chosen.experiment!r}: allowed is a name, with --mlflow or --trackio")
    targets.check(asked | {name: target for name, target in tracked.items() if name == "csv"})
    if asked:
        _export_network(asked, chosen)
    if tracked:
        _export_runs(tracked, chosen.runs, chosen.experiment or EXPERIMENT)
    return 0


def _export_network(asked: dict[str, str], chosen: argparse.Namespace) -> None:
    """Write the network of a run as files, or the page that trains one."""
    run, made = None, {}
    if chosen.runs:
        run = trained.load_trained(chosen.runs[0], chosen.trust, functools.partial(warn, PROGRAM))
        if run.unfinished:
            warn(PROGRAM, run.unfinished)
    for name, target in asked.items():  # nothing is written if one fails
        if name == "html" and chosen.learn:
            made[target] = learn_page(run).encode()
        elif run is not None:
            made[target] = FORMATS[name](run)
    for target, content in made.items():
        targets.put(Path(target), content)
        show(f"{target}: {len(content) / 1e6:.2f} MB")


def _export_runs(tracked: dict[str, str], paths: list[Path], experiment: str) -> None:
    """Write what runs have measured as a table, and to experiment trackers."""
    folders = {name: target for name, target in tracked.items() if name in ("tensorboard", "trackio")}
    if "mlflow" in tracked and mlflow.store_uri(tracked["mlflow"]).startswith("file:"):
        folders["mlflow"] = tracked["mlflow"].removeprefix("file://").removeprefix("file:")
    for name, folder in folders.items():
        if not folder or (Path(folder).exists() and not Path(folder).is_dir()):
            raise ConfigError(f"--{name} {folder!r}: allowed is a folder")
        targets.check_folder(name, Path(folder))
    targets.check_unread(folders, paths)
    runs = read_exported(paths, functools.partial(warn, PROGRAM))
    said = [TRACKERS[name](target, runs, experiment) for name, target in tracked.items() if name in TRACKERS]
    if (file := tracked.get("csv")) == "-":
        hand_over(tidy_csv(runs))
    elif file is not None:
        targets.put(Path(file), tidy_csv(runs).encode())
        said.append(f"{file}: {sum(len(run.epochs) for run in runs)} epochs of {len(runs)} runs")
    for line in said:
        (show_error if file == "-" else show)(line)
