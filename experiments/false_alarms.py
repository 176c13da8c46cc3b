"""What is said of the shipped sweeps' runs: ``python experiments/false_alarms.py FOLDER [NAME …] [--keys key=value …]``

Does the sweeps and races of ``conf/experiment`` in FOLDER, on the embedded digits unless --keys say otherwise. Lists
each run that has a diagnosis, with what it reads. A run that learned and has one is a false alarm; one that learned
nothing and has none was missed. The same command goes on where it was cut off.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from npdigits.base.program import Parser, nonempty_path
from npdigits.base.terminal import show
from npdigits.base.text import aligned

SHIPPED = Path(__file__).resolve().parents[1] / "conf" / "experiment"
KEYS = ("data=mnist_5k", "workers=1", "threads=1", "quiet=true", "plots=false")
# A network that reads fewer of its training digits has learned next to nothing: of ten classes chance reads a tenth.
NOTHING = 0.2


def summaries(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Give each run below a folder, and its summary."""
    for file in sorted(folder.rglob("summary.json")):
        yield file.parent, json.loads(file.read_text(encoding="utf-8"))


def main() -> None:
    """Print a row a sweep, and below them each run with a diagnosis."""
    parser = Parser("false_alarms.py", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("folder", type=nonempty_path, metavar="FOLDER", help="where the runs are made")
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments; default: all but the published ones")
    parser.add_argument("--keys", nargs="*", default=[], metavar="key=value", help="of all runs")
    chosen = parser.parse_args()
    rows, told = (
        [("sweep", "runs", "diagnosed", "learned nothing", "of these not diagnosed", "lowest of the others")],
        [],
    )
    for name in chosen.names or sorted(path.stem for path in SHIPPED.glob("*.yaml")):
        out = chosen.folder / name.replace("/", "_")
        command = [sys.executable, "-m", "npdigits.train", f"experiment={name}", *KEYS, *chosen.keys, f"out={out}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1, 3):
            show(f"{name}: exit code {done.returncode}: {done.stderr.strip()[-300:]}")
            continue
        runs = list(summaries(out))
        said = [(path, one) for path, one in runs if one.get("diagnosis")]
        lost = [one for _, one in runs if (one.get("train_accuracy") or 0) < NOTHING]
        others = [one["train_accuracy"] for _, one in runs if not one.get("diagnosis") and one.get("train_accuracy")]
        missed = sum(not one.get("diagnosis") for one in lost)
        rows.append((name, *map(str, (len(runs), len(said), len(lost), missed)), f"{min(others, default=0):.1%}"))
        for path, one in said:
            reads = ", ".join(f"{one[key]:.1%}" if one.get(key) else "–" for key in ("train_accuracy", "val_accuracy"))
            told.append(f"{name}/{path.name}: {one['status']}, reads {reads}: {one['diagnosis']}")
        show("\n".join((*aligned([rows[0], rows[-1]], left=1), *told[-len(said) or len(told) :])))
    show("\n".join(("", *aligned(rows, left=1))))


if __name__ == "__main__":
    main()
