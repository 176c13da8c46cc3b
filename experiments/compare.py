"""Compare runs: a row a configuration, mean over seeds. ``python experiments/compare.py DIR [DIR …]``

Reads the config.yaml and summary.json of every run directory below the folders named, and nothing else. Rows are sorted
by validation accuracy; test columns are shown and choose nothing.
"""

import argparse
import json
import sys
from pathlib import Path

import pandas as pd
import yaml

# Keys that make runs repetitions of one configuration, or that change no result.
NOT_COMPARED = {"seed", "name", "workers", "out", "plots", "quiet", "data"}
FIGURES = ["val_accuracy", "test_accuracy", "val_cost", "best_epoch", "epochs_run", "seconds"]


def read_runs(folders: list[Path]) -> tuple[pd.DataFrame, list[str]]:
    """Return a row a finished run, and a line about each run that is not one."""
    rows, left_out = [], []
    seen: dict[str, Path] = {}
    for directory in sorted(path.parent for folder in folders for path in folder.rglob("summary.json")):
        try:
            config = yaml.safe_load((directory / "config.yaml").read_text(encoding="utf-8"))
            summary = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
            if summary["status"] != "finished":
                left_out.append(f"{directory}: {summary['status']}")
                continue
            if summary["identity"] in seen:
                left_out.append(f"{directory}: the same run as {seen[summary['identity']]}")
                continue
            seen[summary["identity"]] = directory
            keys = {key: str(value) for key, value in config.items() if key not in NOT_COMPARED}
            data = f"{summary['data']} {summary['data_sha256'][:8]}"
            rows.append({"data": data, **keys, **{figure: summary[figure] for figure in FIGURES}})
        except (OSError, ValueError, KeyError, yaml.YAMLError) as error:
            left_out.append(f"{directory}: cannot be read: {type(error).__name__}: {error}")
    return pd.DataFrame(rows), left_out


def compare(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row a configuration: the keys that differ, the number of runs, the mean of each figure."""
    keys = [key for key in runs.columns if key not in FIGURES and (key == "data" or runs[key].nunique() > 1)]
    grouped = runs.groupby(keys)
    table = grouped[FIGURES].mean().round(5)
    table.insert(0, "n", grouped.size())
    return table.sort_values("val_accuracy", ascending=False)


def main() -> None:
    """Print the table; the exit code is 1 where there is nothing to compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="a run directory, or a folder of them")
    runs, left_out = read_runs(parser.parse_args().folders)
    if runs.empty:
        print("compare: no finished run there", file=sys.stderr)
    else:
        print(compare(runs).to_string())
    for line in left_out:
        print(f"left out: {line}", file=sys.stderr)
    sys.exit(1 if runs.empty else 0)


if __name__ == "__main__":
    main()
