"""The bytes of the published rows' portable runs: recorded here, and compared on any other machine.

``published.py record`` makes them and writes results/exact.json; ``published.py check --exact`` makes them again.
"""

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from literature import Row
from reproduced import runs_of

from npdigits.base.errors import ConfigError
from npdigits.base.files import write_whole
from npdigits.base.kinds import either, optional, plain, table, text, whole
from npdigits.base.npz import hash_arrays, read_npz
from npdigits.base.strict import parse_json
from npdigits.config.identity import numerics
from npdigits.runs.json_table import as_json, load_identity, read_environment

RECORD = Path(__file__).parent / "results" / "exact.json"
# A sweep's overrides -> its exit code.
Make = Callable[[Sequence[str]], int]
# What is left out of a checkpoint's digest: they stand for the code and the settings, which are compared before.
OF_IDENTITY = ("identity", "sha256")
MADE_WITH = ("processor", "c_library")
DIGESTS = ("parameters", "predictions", "metrics")
# What the record may hold: of each row, by its seeds, these digests.
_TEXT = text(500)
_SEEDS = table({}, table(dict.fromkeys(DIGESTS, _TEXT), required=DIGESTS), names=text(10, "[0-9]+", "a seed"))
_HELD = {
    "numerics": either(whole(0), _TEXT),
    "made_with": table({}, optional(_TEXT)),
    "arithmetic": table({}, _TEXT),
    "rows": table({}, _SEEDS),
}
RECORDED = table(_HELD, plain(3), required=tuple(_HELD))


def digests_of(run: Path) -> dict[str, str]:
    """Return the SHA-256 of what a run leaves: best parameters, predictions, metrics (which hold no time)."""
    best = {k: v for k, v in read_npz(run / "checkpoints" / "best.npz").items() if k not in OF_IDENTITY}
    return {
        "parameters": hash_arrays(best),
        "predictions": hash_arrays(read_npz(run / "predictions.npz")),
        "metrics": hashlib.sha256((run / "metrics.csv").read_bytes()).hexdigest(),
    }


def make(row: Row, seeds: int, folder: Path, sweep: Make) -> dict[int, Path] | None:
    """Make a row's portable runs of the first seeds; return them by seed, None where some failed."""
    typed = [f"experiment=published/{row.recipe}", f"out={folder / row.recipe}", "plots=false", "quiet=true"]
    print(f"{row.name}: {seeds} portable runs …", file=sys.stderr, flush=True)
    code = sweep([*typed, f"seed=range({seeds})", "portable=true"])
    runs = runs_of(row, folder, seeds, ["portable=true"])
    found = {int(seed): Path(run) for seed, run in zip(runs.seed, runs.run, strict=True)}
    if code or len(found) < seeds:
        print(f"{row.name}: its runs failed (exit code {code})")
        return None
    return found


def record(rows: Sequence[Row], seeds: int, folder: Path, sweep: Make) -> bool:
    """Make these rows' runs and record their digests, beside those of other rows that the same code has left.

    Returns:
        Whether all runs were made.
    """
    kept = _read_or_begin()
    if kept.get("numerics") != numerics():
        kept = {"numerics": numerics(), "made_with": {}, "arithmetic": {}, "rows": {}}
    complete = True
    for row in rows:
        if (runs := make(row, seeds, folder, sweep)) is None:
            complete = False
            continue
        environment = _environment(next(iter(runs.values())))
        kept["made_with"] = described(environment)
        kept["arithmetic"] |= environment["portable"]["arithmetic"]
        kept["rows"][row.name] = {str(seed): digests_of(run) for seed, run in sorted(runs.items())}
        write_whole(RECORD, as_json(kept).encode())
        print(f"{row.name}: recorded", flush=True)
    return complete


def recorded() -> dict[str, dict[str, dict[str, str]]]:
    """Return the digests that are recorded: row -> seed -> what -> digest.

    Raises:
        ConfigError: there are none, they are damaged, or of code that computes other bits.
    """
    if not RECORD.exists():
        raise ConfigError(f"{RECORD}: nothing is recorded yet: published.py record")
    kept = read()
    if kept["numerics"] != numerics():
        raise ConfigError(f"{RECORD}: recorded by other code of npdigits ({kept['numerics']} there, {numerics()} here)")
    rows: dict[str, dict[str, dict[str, str]]] = kept["rows"]
    return rows


def check(rows: Sequence[Row], folder: Path, sweep: Make) -> bool:
    """Make the recorded runs again; say of each row whether they left the same bytes, and if not, what may be why.

    Raises:
        ConfigError: nothing is recorded, or it is damaged, or of code that computes other bits.
    """
    of_rows, kept = recorded(), read()
    same = True
    for row in rows:
        if not (expected := of_rows.get(row.name)):
            print(f"{row.name}: nothing is recorded to compare it with")
            same = False
            continue
        if (runs := make(row, len(expected), folder, sweep)) is None:
            same = False
            continue
        differing = compare(expected, runs)
        same &= not differing
        if not differing:
            print(f"{row.name}: the same bytes as ours, {len(expected)} run{'s' * (len(expected) > 1)}", flush=True)
            continue
        print(f"{row.name}: NOT the same bytes as ours: {', '.join(differing)}")
        print("\n".join(reasons(kept, _environment(next(iter(runs.values()))))), flush=True)
    return same


def read() -> dict[str, Any]:
    """Return what is recorded.

    Raises:
        ConfigError: it is damaged.
    """
    try:
        found: dict[str, Any] = parse_json(RECORD.read_bytes())
        RECORDED(found)
    except ValueError as error:
        raise ConfigError(f"{RECORD}: damaged: {error}") from error
    return found


def _read_or_begin() -> dict[str, Any]:
    """Return what is recorded, nothing where that is damaged, which is said."""
    try:
        return read() if RECORD.exists() else {}
    except ConfigError as error:
        print(f"{error}: begun anew, without the rows that it had", file=sys.stderr, flush=True)
        return {}


def compare(expected: Mapping[str, Mapping[str, str]], runs: Mapping[int, Path]) -> list[str]:
    """Return what differs: "parameters of seed 0"."""
    differing = []
    for seed, digests in expected.items():
        found = digests_of(runs[int(seed)])
        differing += [f"{name} of seed {seed}" for name, digest in digests.items() if found[name] != digest]
    return differing


def reasons(kept: Mapping[str, Any], environment: Mapping[str, Any]) -> list[str]:
    """Return in what the two machines differ: in which operations, and in which versions, if in any."""
    ours, here = kept["arithmetic"], environment["portable"]["arithmetic"]
    operations = [name for name, digest in here.items() if digest != ours.get(name, digest)]
    lines = [f"  operations with other results here: {', '.join(operations) or 'none of those that are compared'}"]
    versions = described(environment)
    differing = {key: there for key, there in kept["made_with"].items() if versions.get(key) != there}
    if not differing:
        return [*lines, f"  the same here and there: {', '.join(kept['made_with'])}"]
    return lines + [f"  {key}: {versions.get(key)} here, {there} there" for key, there in differing.items()]


def described(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an environment says of processor and versions, for people."""
    blas = ", ".join(f"{one['internal_api']} {one['version']}" for one in environment["blas"])
    return {"numpy": environment["packages"]["numpy"], "blas": blas, **{key: environment[key] for key in MADE_WITH}}


def _environment(run: Path) -> dict[str, Any]:
    """Return a portable run's environment.

    Raises:
        ConfigError: it has none.
    """
    environment = read_environment(run)
    if not environment or "portable" not in environment or load_identity(run).get("portable") is not True:
        raise ConfigError(f"{run}: is no portable run")
    return environment
