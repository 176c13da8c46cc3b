# requires: sacred==0.8.7 numpy==2.4.6 setuptools==80.9.0
"""Sacred's FileStorageObserver: the toy's runs, one that failed, one that was killed, and values of NumPy's types."""

import contextlib
import json
import os
import shutil
import sys
from pathlib import Path

sys.path = [place for place in sys.path if Path(place).resolve() != Path(__file__).parent.resolve()]

import numpy as np  # noqa: E402
from sacred import SETTINGS, Experiment  # noqa: E402
from sacred.observers import FileStorageObserver  # noqa: E402
from toy import runs  # noqa: E402

SETTINGS.HOST_INFO.INCLUDE_GPU_INFO = False
SETTINGS.CAPTURE_MODE = "no"
folder = Path(sys.argv[1])


def experiment(place, config):
    made = Experiment("toy", save_git_info=False, interactive=True)
    made.observers.append(FileStorageObserver(folder / place, copy_artifacts=False, copy_sources=False))
    made.add_config(config)
    return made


for run in runs():
    toy = experiment("toy", run["settings"])

    @toy.main
    def main(_run):
        for epoch, figures in run["history"]:  # noqa: B023 – called at once
            for name, value in figures.items():
                _run.log_scalar(name.replace("_", ".", 1), value, epoch)

    toy.run()

odd = experiment("odd", {"rate": np.float64(0.5), "sizes": (3, 4), "table": np.array([1, 2]), "code": "007"})


@odd.main
def good(_run):
    _run.log_scalar("loss", np.float32(0.1))
    _run.log_scalar("loss", float("nan"))
    return 0.75


@odd.command
def bad(_run):
    _run.log_scalar("loss", 0.25, 10)
    raise ValueError("the loss is not finite")


@odd.command
def killed(_run):
    _run.log_scalar("loss", 0.5, 0)
    _run._emit_heartbeat()
    os._exit(9)


odd.run(config_updates={"seed": 3})
with contextlib.suppress(ValueError):
    odd.run("bad", config_updates={"seed": 4})
if (child := os.fork()) == 0:
    odd.run("killed", config_updates={"seed": 5})
os.waitpid(child, 0)

# What tells of the machine is no part of the format.
for file in folder.rglob("run.json"):
    kept = json.loads(file.read_text())
    kept["host"] = {}
    kept["experiment"] |= {"base_dir": "/work", "sources": [], "dependencies": []}
    kept["fail_trace"] = kept.get("fail_trace") and kept["fail_trace"][-1:]
    file.write_text(json.dumps(kept, indent=2, sort_keys=True))
for place in folder.rglob("_sources"):
    shutil.rmtree(place)
