"""What a run's bits depend on besides its configuration and data."""

import functools
import itertools
import platform
import subprocess
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from npdigits.base.arithmetic import digests
from npdigits.config.schema import Config

# Operations that softplus in float32 alone uses. In these C libraries differ (glibc 2.36 and 2.41); of all other runs
# that were tried these two leave the same bytes.
OF_SOME_RUNS = ("log1p float32", "expm1 float32")
PACKAGES = ("npdigits", "numpy", "hydra-core", "omegaconf", "matplotlib", "mlxtend", "torchvision")


def environment(more_packages: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return package versions, NumPy's BLAS and its kernel, the processor's vector extensions, threads and the commit.

    Call it where the run's BLAS threads are already set.
    """
    blas = [
        {key: pool.get(key) for key in ("internal_api", "version", "architecture", "threading_layer", "num_threads")}
        for pool in threadpool_info()
        if pool.get("user_api") == "blas" and not _is_anothers(Path(pool.get("filepath", "")))
    ]
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "packages": {name: _version(name) for name in (*PACKAGES, *more_packages)},
        "blas": blas,
        "numpy_simd": np.show_config(mode="dicts").get("SIMD Extensions", {}),
        "c_library": " ".join(platform.libc_ver()).strip(),
        **_commit(),
    }


def portable_arithmetic(config: Config) -> dict[str, Any]:
    """Return what the bits of a portable run depend on: the results of the operations that it uses."""
    soft = config.activation == "softplus" and config.dtype == "float32"
    uses_all = bool(config.own) or soft
    used = {name: found for name, found in digests().items() if uses_all or name not in OF_SOME_RUNS}
    return {"arithmetic": used, "own_code": bool(config.own)}


def deciding_versions(environment: dict[str, Any]) -> dict[str, Any]:
    """Return what of an environment bits depend on: NumPy, BLAS and its kernel, the processor; and of earlier ones.

    Of a portable run it is what its operations leave, on whatever processor, and by whatever version. What own code
    uses is not known, so its versions decide, too.

    Raises:
        ValueError: it is not what ``environment`` returned.
    """
    packages, earlier = environment.get("packages", {}), environment.get("earlier", [])
    readable = isinstance(packages, dict) and isinstance(earlier, list)
    if not readable or not all(isinstance(one, dict) for one in earlier):
        raise ValueError("an environment that cannot be read")
    portable = environment.get("portable")
    kept: dict[str, Any] = {"portable": portable["arithmetic"]} if portable else {}
    if not portable or portable["own_code"]:
        kept["numpy"] = packages.get("numpy")
    if not portable:
        kept |= {key: environment.get(key) for key in ("processor", "numpy_simd", "blas")}
    elif portable["own_code"]:
        blas = environment.get("blas") or []
        kept |= {"blas": [one.get("version") for one in blas], "c_library": environment.get("c_library")}
        # Python 3.12 adds floats up otherwise: sum([0.1] * 10) is 1.0 there, 0.9999999999999999 before.
        kept["python"] = str(environment.get("python")).rpartition(".")[0]
    return kept | ({"earlier": [deciding_versions(one) for one in earlier]} if earlier else {})


def describe_difference(earlier: dict[str, Any], current: dict[str, Any]) -> str:
    """Say in what two environments differ that bits depend on: NumPy, BLAS and the processor; "" if in nothing."""
    try:
        first, second = deciding_versions(earlier), deciding_versions(current)
    except ValueError as error:
        return str(error)
    differing = {key: value for key, value in first.items() if value != second.get(key)}
    if there := differing.get("portable"):
        here = second.get("portable", {})
        names = [name for name in {**there, **here} if there.get(name) != here.get(name)]
        differing["portable"] = f"other results of {', '.join(names)}"
    return ", ".join(value if key == "portable" else f"{key} {value}" for key, value in differing.items())


def environment_of_run(config: Config, found: dict[str, Any] | None, warn: Callable[[str], None]) -> dict[str, Any]:
    """Return environment.json's content; with the earlier ones, if the run was begun where other bits may come out.

    Args:
        config: the run's.
        found: what environment.json holds of the run that goes on, {} where it is lost; None for one that begins.
        warn: is told if its bits may differ.
    """
    current = environment()
    if config.portable:
        current["portable"] = portable_arithmetic(config)
    if not found:
        if found is not None:
            warn("environment.json is lost or damaged: this run may have been begun where other bits come out")
        return current
    earlier = found.pop("earlier", [])
    earlier = earlier if isinstance(earlier, list) else []
    if changed := describe_difference(found, current):
        warn(f"this run was begun with {changed}: its bits may differ from those of a run made here alone")
        earlier = [*earlier, found]
    return {**current, "earlier": earlier} if earlier else current


def _is_anothers(library: Path) -> bool:
    """Say whether a wheel of another package than NumPy brings a library along: SciPy has a BLAS of its own.

    No run computes with it, and whether it is loaded depends on what this process has done before.
    """
    owners = [part.removesuffix(".libs") for part in library.parts if part.endswith(".libs")]
    owners += [folder for folder, inner in itertools.pairwise(library.parts) if inner == ".dylibs"]
    return any(owner != "numpy" for owner in owners)


@functools.cache
def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


@functools.cache
def _commit() -> dict[str, Any]:
    """Return the git commit of the code and whether it was changed since; None where the code is not in a checkout.

    It is determined once a process, as modules are imported once.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return {"git_commit": None, "git_dirty": None}
    command = ["git", "-C", str(root), "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    try:
        lines = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return {"git_commit": None, "git_dirty": None}
    commit = next((line.split()[-1] for line in lines if line.startswith("# branch.oid")), None)
    return {"git_commit": commit, "git_dirty": any(not line.startswith("#") for line in lines)}
