# requires: hydra-core==1.3.8
"""A multirun of Hydra whose jobs write a metrics.csv of their own, and one whose jobs write results.json or fail."""

import subprocess
import sys
import textwrap
from pathlib import Path

folder = Path(sys.argv[1])
here = Path("program")
here.mkdir()
(here / "config.yaml").write_text(
    "lr: 0.1\nwidth: 16\nseed: 0\nhome: ${oc.env:HOME}\nrate: ${lr}\ncode: '007'\noptimizer:\n  name: sgd\n"
)
(here / "epochs.py").write_text(
    textwrap.dedent(
        """
        import csv, pathlib, hydra
        from hydra.core.hydra_config import HydraConfig
        from toy import runs

        @hydra.main(version_base=None, config_path=".", config_name="config")
        def main(config):
            place = pathlib.Path(HydraConfig.get().runtime.output_dir)
            for run in runs():
                own = run["settings"]
                if (own["lr"], own["width"], own["seed"]) == (config.lr, config.width, config.seed):
                    with (place / "metrics.csv").open("w", newline="") as file:
                        rows = [{"epoch": epoch, **figures} for epoch, figures in run["history"]]
                        writer = csv.DictWriter(file, rows[0])
                        writer.writeheader()
                        writer.writerows(rows)

        main()
        """
    )
)
(here / "finals.py").write_text(
    textwrap.dedent(
        """
        import json, pathlib, hydra
        from hydra.core.hydra_config import HydraConfig

        @hydra.main(version_base=None, config_path=".", config_name="config")
        def main(config):
            place = pathlib.Path(HydraConfig.get().runtime.output_dir)
            if config.seed == 2:
                raise ValueError("diverged")
            results = {"test": {"acc": 0.5 + config.seed / 8}, "loss": float("nan")}
            (place / "results.json").write_text(json.dumps(results))
            (place / "environment.json").write_text("{}")

        main()
        """
    )
)


def sweep(program, place, *overrides):
    command = [sys.executable, here / program, "-m", f"hydra.sweep.dir={folder / place}", *overrides]
    subprocess.run(command, check=False, capture_output=True)


for index, overrides in enumerate(("lr=0.1,0.01 width=16", "lr=0.1 width=32")):
    sweep("epochs.py", f"toy/{index}", *overrides.split(), "seed=0,1,2,3")
sweep("finals.py", "finals", "seed=0,1", "lr=0.1,0.2")
sweep("finals.py", "failed", "seed=1,2")
# What these hold is of the machine, and a failure's place in a program.
for file in [*folder.rglob("hydra.yaml"), *folder.rglob("*.log"), *folder.rglob("multirun.yaml")]:
    file.unlink()
