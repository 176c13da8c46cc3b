# requires: dvclive==3.49.1 numpy==2.4.6
"""DVCLive without a repository: the toy's runs, and one that was resumed, with times and figures without a plot."""

import sys
from pathlib import Path

sys.path = [place for place in sys.path if Path(place).resolve() != Path(__file__).parent.resolve()]

import numpy as np  # noqa: E402
from dvclive import Live  # noqa: E402
from toy import runs  # noqa: E402

folder = Path(sys.argv[1])
options = {"save_dvc_exp": False, "report": None, "dvcyaml": None}
for run in runs():
    with Live(folder / "toy" / run["name"], **options) as live:
        live.log_params({**run["settings"], "optimizer_settings": {"nesterov": True}})
        for epoch, figures in run["history"]:
            live.step = epoch
            for name, value in figures.items():
                live.log_metric(name.replace("_", "/", 1), value)
            live.make_summary()

with Live(folder / "odd", **options) as live:
    live.log_params({"code": "007", "sizes": [3, 4], "rate": 1e-5})
    for value in (0.5, float("nan"), np.float32(0.1)):
        live.log_metric("loss", value, timestamp=True)
        live.next_step()
with Live(folder / "odd", resume=True, **options) as live:
    live.log_metric("loss", 0.25, timestamp=True)
    live.log_metric("test/acc", 0.75, plot=False)
