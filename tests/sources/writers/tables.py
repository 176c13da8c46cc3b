# requires: pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1
"""Plain tables by pandas and polars: a row a run and a row an epoch, as CSV, TSV, JSON and parquet."""

import sys
from pathlib import Path

import pandas as pd
import polars as pl
from toy import runs

folder = Path(sys.argv[1])
epochs = [
    {"run": run["name"], **run["settings"], "epoch": epoch, **figures}
    for run in runs()
    for epoch, figures in run["history"]
]
finals = [{"name": run["name"], **run["settings"], **run["history"][-1][1]} for run in runs()]

frame = pd.DataFrame(epochs)
frame.to_csv(folder / "pandas-epochs.csv")  # with its index, in a column without a name
frame.drop(columns="run").to_csv(folder / "pandas-unnamed.csv", index=False)
frame.drop(columns="run").sort_values("epoch", kind="stable").to_csv(folder / "pandas-by-epoch.csv", index=False)
frame.to_csv(folder / "pandas-epochs.tsv", sep="\t", index=False)
frame.to_csv(folder / "pandas-comma.csv", sep=";", decimal=",", index=False, encoding="utf-8-sig")
frame.to_parquet(folder / "pandas-epochs.parquet")
frame.to_json(folder / "pandas-epochs.json", double_precision=15)
frame.to_json(folder / "pandas-epochs.jsonl", orient="records", lines=True, double_precision=15)

wide = pl.DataFrame(epochs)
wide.write_csv(folder / "polars-epochs.csv")
wide.write_ndjson(folder / "polars-epochs.ndjson")
wide.write_json(folder / "polars-epochs.json")
wide.write_parquet(folder / "polars-epochs.parquet")

pd.DataFrame(finals).to_csv(folder / "pandas-runs.csv", index=False)
pl.DataFrame(finals).write_csv(folder / "polars-runs.csv")

# What is told apart, and what is not: a diverged run, a metric that is not measured at each epoch, a setting that one
# run lacks, booleans, a whole number with zeros before it, one that no float64 holds.
odd = []
for index, run in enumerate(runs()[:4]):
    for epoch, figures in run["history"]:
        odd.append(
            {
                "run": run["name"],
                "warmup": 8 if index != 1 else None,
                "nesterov": index % 2 == 0,
                "code": f"00{index}",
                "key": 9007199254740993 + index,
                "note": 'said "no",\nthen yes',
                "epoch": epoch,
                "loss": float("nan") if (index, epoch) == (2, 3) else figures["val_loss"],
                "test_acc": figures["val_acc"] if epoch == 3 else None,
            }
        )
pd.DataFrame(odd).to_csv(folder / "pandas-odd.csv", index=False)
pl.DataFrame(odd).write_csv(folder / "polars-odd.csv")
pd.DataFrame(odd).to_json(folder / "pandas-odd.jsonl", orient="records", lines=True, double_precision=15)
pl.DataFrame(odd).write_ndjson(folder / "polars-odd.ndjson")
pd.DataFrame(odd).to_parquet(folder / "pandas-odd.parquet")
pl.DataFrame(odd).write_parquet(folder / "polars-odd.parquet")
