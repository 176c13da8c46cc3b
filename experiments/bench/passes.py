"""Seconds of one training pass, npdigits and its peers in turn, over a grid of networks and batch sizes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd

HIDDEN: list[list[int]] = [[20], [128], [800], [300, 100]]
BATCH = [32, 128, 512]
# Frameworks by the number of threads each is tried with; JAX always uses all of them.
CONTESTANTS = [(name, threads) for name in ("npdigits", "PyTorch", "scikit-learn") for threads in (1, 2)] + [("JAX", 2)]
# For the record, on the smallest network only: it is several times slower.
FOR_THE_RECORD = [("PyTorch DataLoader", 1), ("JAX, own order", 2)]


class Worker:
    """A peer in a process of its own."""

    def __init__(self) -> None:
        folder = Path(__file__).resolve().parents[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **command: Any) -> Any:
        """Send a command and wait for its answer."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"a worker ended with code {self.process.wait()} at {command}")
        return json.loads(answer)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()


def measure(
    cells: list[tuple[list[int], int]], repetitions: int, peers: set[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield a row a pass: hidden, batch, peer, threads, repetition, seconds, and the accuracy after the last.

    The peers (all, or npdigits and those named) take turns, forwards and backwards, so that a slow minute of the
    machine falls on all of them.
    """
    with ExitStack() as stack:
        workers = {
            c: stack.enter_context(Worker())
            for c in [*CONTESTANTS, *FOR_THE_RECORD]
            if peers is None or c[0] in {"npdigits", *peers}
        }
        for hidden, batch in cells:
            taking_part = [c for c in workers if c not in FOR_THE_RECORD or hidden == [20]]
            for peer, threads in taking_part:
                made = {"peer": peer, "hidden": hidden, "batch": batch, "threads": threads}
                workers[peer, threads].ask(make=made)
                workers[peer, threads].ask(**{"pass": 1})  # warms up
            for repetition in range(repetitions):
                for peer, threads in taking_part if repetition % 2 == 0 else reversed(taking_part):
                    (seconds,) = workers[peer, threads].ask(**{"pass": 1})
                    row = {"hidden": name(hidden), "batch": batch, "peer": peer, "threads": threads}
                    row |= {"repetition": repetition, "seconds": seconds}
                    if repetition == repetitions - 1:
                        row["accuracy"] = workers[peer, threads].ask(score=True)
                    yield row
            for threads in (1, 2):
                asked = {"hidden": hidden, "batch": batch, "threads": threads}
                limit = workers["npdigits", threads].ask(limit=asked)
                for kind in ("whole", "cut"):
                    row = {"hidden": name(hidden), "batch": batch, "peer": f"limit, {kind}", "threads": threads}
                    yield row | {"repetition": 0, "seconds": limit[kind] + limit["state"]}


def name(hidden: list[int]) -> str:
    """Return layer sizes as a table shows them: 300-100."""
    return "-".join(map(str, hidden))


def summarize(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row a cell: each peer's median seconds with its best number of threads, ratios, fraction of the limit.

    A ratio is the median over the repetitions of peer's seconds / ours in the same repetition.
    """
    table = []
    for (hidden, batch), cell in rows.groupby(["hidden", "batch"], sort=False):
        medians = cell.groupby(["peer", "threads"])["seconds"].median()
        best = {peer: medians[peer].idxmin() for peer in medians.index.unique("peer")}
        timed = cell.set_index(["peer", "threads", "repetition"])["seconds"].sort_index()
        ours = timed["npdigits", best["npdigits"]]
        line: dict[str, Any] = {"hidden": hidden, "batch": batch, "threads": best["npdigits"]}
        line["npdigits s"] = ours.median()
        peers = [p for p in best if p != "npdigits" and not p.startswith("limit")]
        for peer in peers:
            line[f"{peer} s"] = medians[peer].min()
        for peer in peers:
            line[f"{peer} / npdigits"] = (timed[peer, best[peer]] / ours).median()
        for kind in ("whole", "cut"):
            limit = medians[f"limit, {kind}"].min()
            line[f"of the limit ({kind})"] = limit / ours.median()
        accuracy = cell.groupby("peer")["accuracy"].max()
        line["accuracies"] = f"{accuracy.min():.2%} to {accuracy.max():.2%}"
        table.append(line)
    return pd.DataFrame(table)
