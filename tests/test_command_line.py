"""The command line, in a process of its own and from another directory: a mistake is one line."""

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time

import pytest
import yaml
from made import REPOSITORY, start_python
from typed import tree, typed

from npdigits.base import program
from npdigits.config import command_line
from npdigits.config.compose import compose
from npdigits.config.conf_files import CONF
from npdigits.config.race_options import take_off
from npdigits.config.schema import Config, parse_config
from npdigits.data.sets import LOADERS
from npdigits.runs.outputs import outputs

# What is typed after a command that is right -> what the line says. There are 500 digits to train on.
MISTAKES = {
    "hidden=0": "hidden=0: allowed is a whole number ≥ 1, or a list of them, such as 20, [300,100] or []",
    "hidden=-3": "hidden=-3: allowed is a whole number ≥ 1, or a list of them",
    "hidden=abc": "hidden=abc: allowed is a whole number ≥ 1, or a list of them",
    "hidden=[20,0]": "hidden=[20, 0]: allowed is a whole number ≥ 1, or a list of them",
    "hidden=20,30": "hidden=20,30: write a list as key=[a,b]; for a sweep over the values add --multirun",
    "hidden=[20": "hidden=[20: a bracket is not closed: hidden=[20]\n",
    "data=[idx,mnist]": "data=[idx,mnist]: allowed is one of fashion_mnist, file, idx, kmnist, mnist, mnist_5k",
    "hidden=9000000000": "hidden=9000000000: ",
    "hiden=20": "hiden=20: unknown key; did you mean hidden?",
    "lr=nan": "lr=nan: allowed is a number > 0",
    "lr=-1": "lr=-1: allowed is a number > 0",
    "lr": "lr: a key needs a value: lr=…\n",
    "lr='3": "lr='3: a quote is not closed\n",
    "~lr": "lr: missing",
    "seed=${sed}": "seed=${sed}; Interpolation key 'sed' not found",
    "+foo=1": "foo=1: unknown key; --help lists them all",
    "++foo=1": "foo=1: unknown key; --help lists them all",
    "+data.foo=1": "data.foo=1: unknown key",
    "data.path=x": "data.path=x: is read with data=file only: data=file data.path=…",
    "data.dri=x": "data.dri=x: unknown key; did you mean data.dir?",
    "data.root=x": "data.root=x: this data set has no such key; conf/data says which has",
    "data=minst": "data=minst: allowed is one of fashion_mnist, file, idx, kmnist, mnist, mnist_5k, own; did",
    "data.dir=null": "data.dir=null: data=idx needs data.dir=FOLDER",
    "data.dir=none": "none/train-images-idx3-ubyte: not found",
    "experiment=widht": "experiment=widht: allowed is one of batch_size, ",
    "experiment=published": ", published/srivastava_1024_max_norm_slower\n",
    "experiment=published/softmaks": "published/srivastava_1024_max_norm_slower; did you mean published/softmax?\n",
    "experiment=pubished/softmax": "width, published/…; did you mean published/softmax?\n",
    "experiment=": "experiment=: allowed is one of batch_size, ",
    "experiment=null": "experiment=null: allowed is one of batch_size, ",
    "experiment=/": "experiment=/: allowed is one of batch_size, ",
    "experiment=/etc": "experiment=/etc: allowed is one of batch_size, ",
    "hydra/launcher=foo": "hydra/launcher=foo: ",
    "hydra.run.dir=x": "hydra.run.dir=x: not allowed: the run directory is chosen with out=DIR",
    "hydra.run.dir=": "hydra.run.dir=: not allowed: the run directory is chosen with out=DIR",
    "+hydra.sweep.dir=x": "+hydra.sweep.dir=x: not allowed: the run directory is chosen with out=DIR",
    "--config-name=x": "Cannot find primary config 'x'",
    "--epochs=3": "--epochs=3: keys have no dashes: epochs=3\n",
    "hydra/sweeper=basic": "hydra/sweeper=basic: not allowed: npdigits makes its grids itself",
    "out=~nosuchuser/x": "out=~nosuchuser/x: there is no home ~nosuchuser; ./~nosuchuser/x is a folder of that name\n",
    "data.dir=~nosuchuser/x": "data.dir=~nosuchuser/x: there is no home ~nosuchuser; ./~nosuchuser/x is a folder of",
    "resume=~nosuchuser/x": "resume=~nosuchuser/x: there is no home ~nosuchuser; ./~nosuchuser/x is a folder of",
    "initializer=xaver": "initializer=xaver: allowed is one of xavier, he, lecun, ",
    "optimizer=Adma": "optimizer=Adma: allowed is one of adamw, adam, sgd, rmsprop, lion; did you mean adam?",
    "batch_size=501": "batch_size=501: allowed is at most 500, the number of digits left to train on",
    "score_size=501": "score_size=501: allowed is at most 500, the number of digits left to train on",
    "val_size=600": "val_size=600: leaves nothing of the 600 training digits of idx: allowed is 0 … 599",
    "plots=maybe": "plots=maybe: allowed is true or false",
    "out=": "out=: allowed is null or a text",
    "out=taken": "out=",
    "out=taken/below": "cannot be written: Not a directory",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_with_key_value_and_what_is_allowed(tmp_path, idx_set, mistake):
    (tmp_path / "taken").write_text("mine")
    before = tree(tmp_path)
    ended = typed("data=idx", f"data.dir={idx_set}", "out=run", "epochs=1", mistake, cwd=tmp_path)
    assert ended.returncode == program.BAD_INPUT == 2
    assert re.fullmatch(r"npdigits: .*\n", ended.stderr)  # one line: a dot matches no line end
    assert MISTAKES[mistake] in ended.stderr
    assert ended.stdout == ""
    assert tree(tmp_path) == before


def test_a_broken_data_file_is_one_line_that_names_it(tmp_path, idx_set):
    images = idx_set / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-1])
    ended = typed("data=idx", f"data.dir={idx_set}", "out=run", cwd=tmp_path)
    assert ended.returncode == 2 and not (tmp_path / "run").exists()
    assert re.fullmatch(rf"npdigits: {images}: declares .* truncated or damaged\n", ended.stderr)


def test_a_plain_run_from_another_directory(tmp_path, idx_set):
    """Paths are seen from where the user stands; without a terminal there are plain lines only."""
    ended = typed("data=idx", "data.dir=idx_set", "epochs=3", "hidden=[6,5]", "out=a/run", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "\x1b" not in ended.stdout and "\r" not in ended.stdout
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("idx: 500 digits to train on, 100 for validation, 100 for the test; netw")
    figures = r"lr \d\.\d\de-\d\d  train \d\.\d{4} +\d+\.\d\d%  val \d\.\d{4} +\d+\.\d\d%(  best)?"
    assert all(re.fullmatch(f"epoch {n}/3  {figures}", line) for n, line in enumerate(lines[1:4], 1))
    assert [re.sub(r" {2,}.*", "", line.strip()) for line in lines[4:8]] == [
        f"best epoch {json.loads((tmp_path / 'a/run/summary.json').read_text())['best_epoch']}",
        *("training", "validation", "test"),
    ]
    assert "75 random test digits" in lines[8]
    assert lines[9] == "  never read: nothing in the test set is read as 2, 4, 5, 6, 8"  # after so little training
    assert lines[10:] == [str(tmp_path / "a" / "run")]
    overrides = yaml.safe_load((tmp_path / "a/run/overrides.yaml").read_text())
    assert overrides == ["data=idx", "data.dir=idx_set", "epochs=3", "hidden=[6,5]", "out=a/run"]
    assert {path.name for path in tmp_path.iterdir()} == {"a", "idx_set"}  # nothing of Hydra's


def test_quiet_prints_the_run_directory_only(tmp_path, idx_set):
    ended = typed("data=idx", "data.dir=idx_set", "epochs=1", "out=run", "quiet=true", cwd=tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{tmp_path / 'run'}\n", "")
    assert "epoch 1/1" in (tmp_path / "run" / "train.log").read_text(encoding="utf-8")


def test_a_run_that_diverges_says_when_and_what_to_try(tmp_path, idx_set):
    too_fast = ("optimizer=sgd", "lr=3", "schedule=constant", "l2=1")
    ended = typed("data=idx", "data.dir=idx_set", *too_fast, "out=run", cwd=tmp_path)
    assert ended.returncode == 3
    epoch = json.loads((tmp_path / "run" / "summary.json").read_text())["diverged_in_epoch"]
    assert epoch > 1
    warning = f"the cost stopped being finite in epoch {epoch}: try a smaller lr (it is 3)"
    assert re.fullmatch(rf"npdigits: WARNING: {re.escape(warning)}.*\n", ended.stderr)
    assert f"WARNING {warning}" in (tmp_path / "run" / "train.log").read_text(encoding="utf-8")
    assert (tmp_path / "run" / "metrics.csv").read_text().count("\n") == epoch


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_ctrl_c_is_one_line_too(tmp_path, idx_set):
    # A shell that starts the tests in the background has them ignore Ctrl-C.
    listen = "from signal import *; signal(SIGINT, default_int_handler)"
    code = f"{listen}; from npdigits.train import main; main()"
    endless = ("data=idx", f"data.dir={idx_set}", "epochs=1000000", "stop_on=none")
    child = start_python(code, *endless, f"out={tmp_path / 'run'}")
    try:
        while not child.stdout.readline().startswith("epoch"):
            assert child.poll() is None
        child.send_signal(signal.SIGINT)
        assert (child.communicate(timeout=60)[1], child.returncode) == ("npdigits: interrupted\n", 130)
        summary = json.loads((tmp_path / "run" / "summary.json").read_text())
        assert summary["status"] == "interrupted"
        assert summary["epochs_run"] == len((tmp_path / "run" / "metrics.csv").read_text().splitlines()) - 1
    finally:
        child.kill()
        child.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_file_that_cannot_be_written_ends_the_run_in_one_line(tmp_path, idx_set):
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))"  # Python then gets an OSError
    code = f"import resource; {limit}; from npdigits.train import main; main()"
    child = start_python(code, "data=idx", f"data.dir={idx_set}", "epochs=1", f"out={tmp_path / 'run'}")
    said = child.communicate(timeout=60)[1]
    path = tmp_path / "run" / "checkpoints" / "last.npz"
    assert (child.returncode, said) == (2, f"npdigits: {path}: File too large\n")
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "failed"


def test_too_little_memory_is_one_line(monkeypatch, capsys):
    def run(config, overrides):
        raise MemoryError("Unable to allocate 8.00 TiB")

    monkeypatch.setattr(sys, "argv", ["npdigits", "hidden=20"])
    with pytest.raises(SystemExit) as caught:
        command_line.main(run, sweep=None, race=None)
    line = "npdigits: out of memory: Unable to allocate 8.00 TiB: a smaller hidden or batch_size needs less\n"
    assert (caught.value.code, capsys.readouterr().err) == (program.BAD_INPUT, line)


def test_help_names_every_key_and_every_data_set_wherever_it_is_asked(tmp_path):
    ended = typed("hidden=20", "--help", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    keys = {field.name for field in dataclasses.fields(Config)} - {"data", "own"}
    composed = yaml.safe_load((CONF / "train.yaml").read_text(encoding="utf-8"))
    assert keys == set(composed) - {"defaults", "hydra", "race"}
    for key in keys:
        assert re.search(rf"^{key}: .*# ", ended.stdout, re.MULTILINE), key
    for name in LOADERS:
        assert re.search(rf"^data={name} +\w", ended.stdout, re.MULTILINE), name
    assert "hydra:" not in ended.stdout
    listed = re.search(r"^experiment=published/… +one of (.*(?:\n +.*)*)", ended.stdout, re.MULTILINE)
    recipes = (CONF / "experiment" / "published").glob("*.yaml")
    assert listed and re.findall(r"\w+", listed[1]) == sorted(path.stem for path in recipes)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no head")
def test_a_reader_that_goes_away_is_no_error(tmp_path):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "npdigits.train", "--help"]
    ended = subprocess.run(command, cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (program.NOBODY_READS, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no head")
def test_a_reader_of_what_hydra_prints_may_go_away_too(tmp_path):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-u", "-m", "npdigits.train", "--cfg", "job"]
    ended = subprocess.run(command, cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (program.NOBODY_READS, b"")


def test_a_run_whose_reader_goes_away_is_finished_all_the_same(idx_set, tmp_path):
    read, write = os.pipe()
    os.close(read)
    keys = ["data=idx", f"data.dir={idx_set}", "epochs=2", "batch_size=8", "plots=false", f"out={tmp_path / 'run'}"]
    command = [sys.executable, "-m", "npdigits.train", *keys]
    ended = subprocess.run(command, cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "finished"


def test_the_console_script_is_the_same_program(tmp_path):
    script = shutil.which("npdigits", path=sysconfig.get_path("scripts"))
    assert script, "pip install -e . makes it"
    outputs = [
        subprocess.run([*start, "--cfg", "job"], cwd=tmp_path, capture_output=True, check=True).stdout
        for start in ([script], [sys.executable, "-m", "npdigits.train"])
    ]
    assert outputs[0] == outputs[1]
    assert parse_config(take_off(yaml.safe_load(outputs[0]))) == compose()
    version = subprocess.run([script, "--version"], capture_output=True, check=True, text=True).stdout
    assert re.fullmatch(r"npdigits \d+\.\d+\.\d+\n", version)


def test_outputs_of_a_checkout_are_the_checkouts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert outputs() == REPOSITORY / "outputs"


@pytest.mark.alone
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither signal for another process")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(
    ("threads", "workers"), [(1, 0), (1, 2), (2, 0), (2, 2)] if sys.platform == "linux" else [(1, 0)]
)
def test_a_signal_ends_a_sweep_and_not_its_first_run_alone(tmp_path, idx_set, number, code, threads, workers):
    listen = "from signal import *; signal(SIGINT, default_int_handler)"
    keys = ["data=idx", f"data.dir={idx_set}", "epochs=9999", "stop_on=none", "plots=false", f"threads={threads}"]
    child = start_python(
        f"import os; os.setpgid(0, 0); {listen}; from npdigits.train import main; main()",
        *("-m", *keys, "hidden=60,61,62", f"out={tmp_path}/sweep", f"workers={workers}"),
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("sweep/*/checkpoints/last.npz"))) < max(workers, 1):
        assert time.monotonic() < deadline and child.poll() is None, child.communicate()
        time.sleep(0.01)
    begun = time.monotonic()
    os.killpg(child.pid, number)  # as a terminal, timeout or a job system does: to all processes of it
    child.communicate(timeout=60)
    assert time.monotonic() - begun < (5 if workers else 2)
    assert child.returncode == code
    runs = list(tmp_path.glob("sweep/*/summary.json"))
    assert [json.loads(path.read_text())["status"] for path in runs] == ["interrupted"] * max(workers, 1)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
@pytest.mark.parametrize("redirect", [">/dev/full", ">&-", "| head -1"])
def test_a_run_does_not_need_a_reader(tmp_path, idx_set, redirect):
    keys = f"data=idx data.dir={idx_set} epochs=2 out=run plots=false"
    ended = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m npdigits.train {keys} {redirect}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "finished"
