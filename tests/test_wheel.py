"""The built wheel holds all that a run needs: it trains from another directory, without the checkout."""

import json
import subprocess
import sys
import zipfile
from importlib import metadata

import pytest
import yaml
from made import REPOSITORY, write_set
from made_runs import made_run
from typed import tree, typed

from npdigits.config.compose import compose
from npdigits.config.conf_files import CONF
from npdigits.config.numerics import NUMERICS
from npdigits.config.schema import parse_config


def checked(*command, **options):
    """Run a command to its end; what it said is shown if it fails."""
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without a network by the packages of the extra `test`."""
    folder = tmp_path_factory.mktemp("dist")
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation")
    checked(*build, "--outdir", str(folder), str(REPOSITORY))
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder into which the wheel was installed, without its dependencies."""
    folder = tmp_path_factory.mktemp("site")
    options = ("--no-deps", "--no-index", "--no-compile", "--quiet", "--disable-pip-version-check")
    checked(sys.executable, "-m", "pip", "install", *options, "--target", str(folder), str(wheel))
    return folder


def test_the_wheel_holds_the_package_and_its_configuration_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = [name for name in file.namelist() if ".dist-info/" not in name]
    conf = {f"npdigits/conf/{path.relative_to(CONF).as_posix()}" for path in CONF.rglob("*.yaml")}
    package = REPOSITORY / "npdigits"
    data = (*package.glob("*/page_files/*"), package / "forms" / "mean_digits.npy", package / "py.typed")
    code = {path.relative_to(REPOSITORY).as_posix() for path in (*package.rglob("*.py"), *data)}
    assert len(conf) >= 6
    assert set(names) == conf | code and len(names) == len(set(names))


def test_the_wheel_trains_from_another_directory_into_its_outputs(installed, tmp_path):
    write_set(tmp_path / "idx_set")
    command = ("data=idx", "data.dir=idx_set", "epochs=1")
    ended = typed(*command, cwd=tmp_path, PYTHONPATH=str(installed))
    assert (ended.returncode, ended.stderr) == (0, "")
    (run,) = (tmp_path / "outputs").glob("*/*")
    assert ended.stdout.splitlines()[-1] == str(run)
    assert json.loads((run / "summary.json").read_text())["status"] == "finished"
    assert len(list((run / "plots").iterdir())) == 7
    assert json.loads((run / "identity.json").read_text())["numerics"] == NUMERICS  # the code is as recorded
    environment = json.loads((run / "environment.json").read_text())
    assert environment["git_commit"] is None  # it is not the checkout's code
    composed = yaml.safe_load((run / "config.yaml").read_text())
    # Paths are kept so that they mean the same from every directory.
    assert parse_config(composed) == compose([*command, f"data.dir={tmp_path / 'idx_set'}"])
    again = typed(f"out={run}", *command, cwd=tmp_path, PYTHONPATH=str(installed))
    assert again.returncode == 0 and "this run is finished already" in again.stdout


def test_help_and_the_console_script_come_with_the_wheel(installed, tmp_path):
    before = tree(tmp_path)
    ended = typed("--help", cwd=tmp_path, PYTHONPATH=str(installed))
    assert ended.returncode == 0 and "data=mnist_5k " in ended.stdout and "weight_decay: " in ended.stdout
    script = next(path for path in (installed / "bin").iterdir() if path.stem == "npdigits")
    env = {"PYTHONPATH": str(installed)}
    version = checked(sys.executable, str(script), "--version", cwd=tmp_path, env=env)
    assert version == f"npdigits {metadata.version('npdigits')}\n"
    assert tree(tmp_path) == before


def test_runs_are_compared_and_the_page_is_made_by_the_wheel(installed, tmp_path):
    made_run(tmp_path / "runs" / "a")
    script = next(path for path in (installed / "bin").iterdir() if path.stem == "npdigits-compare")
    command = (str(script), "runs", "--html", "page.html")
    said = checked(sys.executable, *command, cwd=tmp_path, env={"PYTHONPATH": str(installed)})
    assert said.startswith("n  val_accuracy %") and (tmp_path / "page.html").stat().st_size > 60_000
