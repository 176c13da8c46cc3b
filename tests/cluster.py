"""The cluster harness: a real sweep on a real Dask cluster of four hosts, whose links and processes are taken away.

    python tests/cluster.py                               # every scenario, and 20 random schedules: about half an hour
    python tests/cluster.py --only schedules --seed 1234  # those of one name, from a seed

The hosts are network namespaces (``namespaces``), which need root; elsewhere one line says why nothing is done, and the
exit code is 77, as of a skipped test. In each scenario the launcher's sweep runs while the scenario acts. Then every
byte of the results must be that of the same sweep done by one process (``workers=0``), no run is lost, none is trained
twice, no two processes have written one, the exit code is right, and nothing is left over. Where a sweep may have ended
early, as its cluster was gone, the same command with ``workers=0`` must complete it to the same bytes.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from made import REPOSITORY, write_set
from namespaces import HOSTS, Hosts, dump_stacks, why_not
from scenarios import SCENARIOS, schedules
from stage import DASK, EPOCHS, RUNS, Fault, Scenario, Stage, expect

SKIPPED = 77
# Seconds that a scenario's sweep may take, and a sweep that is completed by one process.
LIMIT, TO_COMPLETE = 240.0, 120.0
COMPARED = (
    "metrics.csv",
    "predictions.npz",
    "checkpoints/last.npz",
    "checkpoints/previous.npz",
    "checkpoints/best.npz",
)
TIMES = ("seconds", "seconds_shared")
SAID = r"npdigits: .*|.* left.*|.* failed.*"


def results(folder: Path) -> dict[str, dict[str, object]]:
    """Return what must be equal between two sweeps: of each run its results' bytes, and its summary without times."""
    found = {}
    for path in sorted(folder.glob("*/summary.json")):
        summary = {key: value for key, value in json.loads(path.read_text()).items() if key not in TIMES}
        files = {name: (path.parent / name).read_bytes() for name in COMPARED if (path.parent / name).exists()}
        found[path.parent.name] = {"summary.json": summary, **files}
    return found


def repeated(log: str, name: str) -> int:
    """Return how many epochs of a run were trained twice, by its train.log.

    Raises:
        Fault: two processes have written it at a time, an epoch is missing, or it began anew.
    """
    last, twice, header = 0, 0, True
    for line in log.splitlines():
        if (found := re.search(r" epoch +(\d+)/", line)) is None:
            header = True
            continue
        epoch = int(found[1])
        expect(epoch == last + 1 or (header and epoch <= last), f"{name}: epoch {epoch} follows {last} in train.log")
        expect(epoch > 1 or last < EPOCHS // 4, f"{name}: began anew after epoch {last}")
        twice += last + 1 - epoch
        last, header = epoch, False
    expect(last == EPOCHS, f"{name}: train.log ends at epoch {last}")
    return twice


def play(scenario: Scenario, stage: Stage) -> int:
    """Run a sweep while a scenario acts; return its exit code."""
    stage.hosts.start_scheduler()
    if not scenario.before:
        for host in ("a", "b"):
            stage.worker(host, scenario.nanny, scenario.threads)
        stage.launch()
    scenario.act(stage)
    assert stage.sweep is not None
    until = stage.begun + LIMIT
    while stage.sweep.poll() is None:
        if time.monotonic() > until:
            pids = [pid for host in HOSTS for pid in stage.hosts.pids(host)]
            print(dump_stacks(pids))
            raise Fault(f"the sweep has not ended after {LIMIT:.0f} s")
        time.sleep(0.1)
    return stage.sweep.returncode


def judge(scenario: Scenario, stage: Stage, code: int, expected: dict[str, dict[str, object]]) -> str:
    """Look at how a sweep came out; return a few words about it.

    Raises:
        Fault: something is not right.
    """
    said, seconds = stage.said(), time.monotonic() - stage.begun
    expect("Traceback" not in said, "the launcher printed a traceback")
    expect(code in scenario.codes, f"exit code {code}, expected {scenario.codes}")
    expect(code == 0 or re.search(SAID, said), "the launcher ended early and did not say why")
    done = stage.finished()
    expect(code != 0 or done == RUNS, f"exit code 0 with {done} runs finished")
    refused = said.count("is refused")
    expect(scenario.refused in (None, refused), f"{refused} lines of refused workers, expected {scenario.refused}")
    for host in HOSTS:
        stage.hosts.end_all(host)
    if code != 0:
        ended = subprocess.run(
            stage.command("workers=0"),
            cwd=stage.folder,
            capture_output=True,
            text=True,
            timeout=TO_COMPLETE,
            check=False,
        )
        expect(
            ended.returncode == 0, f"workers=0 afterwards: exit code {ended.returncode}: {ended.stdout}{ended.stderr}"
        )
    found = results(stage.out)
    expect(found.keys() == expected.keys(), f"other runs: {found.keys() ^ expected.keys()}")
    for run, content in expected.items():
        for name in content.keys() | found[run].keys():
            expect(content.get(name) == found[run].get(name), f"{run}/{name} is not that of an undisturbed sweep")
    twice = sum(repeated((stage.out / run / "train.log").read_text(), run) for run in found)
    left = [path.name for path in stage.out.rglob(".*") if path.name != ".lock"]
    expect(not left, f"left over: {left}")
    return f"exit code {code} after {seconds:.0f} s, {done} of {RUNS} runs by the cluster, {twice} epochs repeated"


def perform(scenario: Scenario, seed: int, scratch: Path, expected: dict[str, dict[str, object]]) -> bool:
    """Do a scenario on hosts of its own, and print how it came out; say whether all was right."""
    folder = scratch / re.sub(r"\W+", "-", scenario.name)
    folder.mkdir()
    environment = {**DASK, "PYTHONPATH": str(REPOSITORY), "NPDIGITS_CACHE": str(scratch / "cache")}
    with Hosts(folder, environment) as hosts:
        stage = Stage(hosts, folder, scratch / "data", random.Random(seed))
        try:
            words = judge(scenario, stage, play(scenario, stage), expected)
        except Exception as error:
            fault = str(error) if isinstance(error, Fault) else traceback.format_exc()
            log = folder / "launcher.log"
            print(f"FAILED {scenario.name}: {fault}\n  {'; '.join(stage.events)}", flush=True)
            print("  the launcher said:\n" + (log.read_text() if log.exists() else ""), flush=True)
            return False
    print(f"ok     {scenario.name}: {words} ({'; '.join(stage.events)})", flush=True)
    shutil.rmtree(folder)
    return True


def main() -> None:
    """Do the scenarios that are asked for, and print how each came out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="a part of the names of the scenarios to do")
    parser.add_argument("--seed", type=int, default=None, help="of the first random schedule")
    parser.add_argument("--schedules", type=int, default=20, help="how many random schedules")
    parser.add_argument("--keep", type=Path, default=None, help="an existing folder for the logs of what failed")
    arguments = parser.parse_args()
    if why := why_not():
        print(f"skipped: {why}")
        sys.exit(SKIPPED)
    first = random.randrange(10**6) if arguments.seed is None else arguments.seed
    chosen = [(scenario, first) for scenario in SCENARIOS]
    chosen += [(scenario, first + n) for n, scenario in enumerate(schedules(first, arguments.schedules))]
    chosen = [(scenario, seed) for scenario, seed in chosen if arguments.only in scenario.name]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    os.environ["PYTHONPATH"] = str(REPOSITORY)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as fresh:
        scratch = arguments.keep.resolve() if arguments.keep else Path(fresh)
        os.environ["NPDIGITS_CACHE"] = str(scratch / "cache")
        data = write_set(scratch / "data", train=1500, test=200)
        shutil.rmtree(scratch / "alone", ignore_errors=True)  # of an earlier call
        (scratch / "alone").mkdir()
        alone = Stage(Hosts(scratch, {}), scratch / "alone", data, random.Random(0))
        subprocess.run(alone.command("workers=0"), cwd=scratch, stdout=subprocess.DEVNULL, check=True)
        expected = results(alone.out)
        expect(len(expected) == RUNS, f"{len(expected)} runs in the undisturbed sweep")
        wrong = sum(not perform(scenario, seed, scratch, expected) for scenario, seed in chosen)
    print(f"{len(chosen)} scenarios, {wrong} not right; seed {first}")
    sys.exit(1 if wrong or not chosen else 0)


if __name__ == "__main__":
    main()
