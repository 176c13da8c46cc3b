"""Environments of many runs: a name for each, which of them are alike, and what they are in words."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from npdigits.base.strict import parse_json
from npdigits.runs.contents import ENVIRONMENT
from npdigits.runs.environment import deciding_versions

UNKNOWN = "unknown"


def name_environment(content: bytes | None) -> tuple[str, dict[str, Any]]:
    """Return a name for what bits depend on in an environment.json of this content, and what that is.

    Of one that is missing or damaged it is ``UNKNOWN``, and nothing.
    """
    try:
        found = parse_json(content or b"")
        ENVIRONMENT(found)
        deciding = deciding_versions(found)
        describe(deciding)  # which wants all that it tells
    except (ValueError, KeyError):
        return UNKNOWN, {}
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:8], deciding


def unite(found: Mapping[str, dict[str, Any]]) -> dict[str, str]:
    """Return the name of the environment as which each one counts: of a portable one, of which it is a part.

    Runs use more operations or fewer (softplus uses log1p, own code may use all), and so more or less decides of them.
    What is part of several environments that differ counts as none of them, as runs of these are not alike.

    Args:
        found: name -> what decides, as ``name_environment`` returns it.
    """
    united = {}
    for name, one in found.items():
        wider = [other for other in found if other != name and _is_part(one, found[other])]
        widest = [other for other in wider if not any(_is_part(found[other], found[w]) for w in wider if w != other)]
        united[name] = widest[0] if len(widest) == 1 else name
    return united


def _is_part(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Say whether all that decides in one portable environment is the same in another, in which more may decide."""
    if not one.get("portable") or not other.get("portable") or one.get("earlier") != other.get("earlier"):
        return False
    same = all(other.get(key) == value for key, value in one.items() if key != "portable")
    return same and all(other["portable"].get(name) == digest for name, digest in one["portable"].items())


def describe_all(found: Mapping[str, dict[str, Any]]) -> dict[str, str]:
    """Return in words what each name stands for that ``unite`` leaves, and in which operations portable ones differ."""
    united = unite(found)
    kept = {name: one for name, one in found.items() if united[name] == name}
    portable = [one["portable"] for one in kept.values() if "portable" in one]
    names = dict.fromkeys(name for one in portable for name in one)
    differing = [name for name in names if len({one.get(name) for one in portable}) > 1]
    return {name: describe(one, differing) for name, one in kept.items()}


def describe(deciding: dict[str, Any], operations: Sequence[str] = ()) -> str:
    """Return in words what ``name_environment`` found to decide.

    Args:
        deciding: what it found.
        operations: those of which a portable environment's results are told.

    Raises:
        KeyError: something is missing.
    """
    if not deciding:
        return "environment.json is missing or damaged"
    begun = "; begun in another environment" if "earlier" in deciding else ""
    if "portable" in deciding:
        own = ""
        if "numpy" in deciding:
            of_blas = [f"BLAS {version}" for version in deciding["blas"]]
            versions = [f"NumPy {deciding['numpy']}", *of_blas, deciding["c_library"], f"Python {deciding['python']}"]
            own = f", own code with {', '.join(map(str, versions))}"
        results = [f"{name} ({deciding['portable'].get(name, 'not used')})" for name in operations]
        told = f"; results of {', '.join(results)}" if results else ""
        return f"portable: any x86-64 processor since AVX2{own}{told}{begun}"
    blas = [f"{one['internal_api']} {one['version']} {one['architecture']}" for one in deciding["blas"] or [{}]]
    simd = (deciding["numpy_simd"] or {}).get("found", [])
    processor = f"{deciding['processor']} ({' '.join(map(str, simd))})"
    return f"NumPy {deciding['numpy']}, {', '.join(blas)}, {processor}{begun}"
