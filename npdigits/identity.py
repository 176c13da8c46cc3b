"""What makes two runs the same run."""

import hashlib
import json
from typing import Any

from npdigits.config import Config

# Raised whenever a change of the code alters the bits of a result.
NUMERICS = 5

# Keys that cannot change a result. ``data`` is left out because the SHA-256 of what was really read stands for it.
NOT_PART = {"name", "workers", "out", "resume", "plots", "quiet", "data"}

# Of more differences than these the number is said.
MOST_NAMED = 5


def identity(config: Config, data_sha256: str) -> dict[str, Any]:
    """Return all that a run's result depends on, apart from the machine and the versions of libraries."""
    keys = {key: value for key, value in config.as_dict().items() if key not in NOT_PART}
    return {**keys, "data_sha256": data_sha256, "numerics": NUMERICS}


def digest(identity: dict[str, Any]) -> str:
    """Return the SHA-256 of an identity, in hex."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """Return the keys in which two identities differ, sorted."""
    return sorted(key for key in {*there, *here} if there.get(key) != here.get(key))


def described(there: dict[str, Any], here: dict[str, Any]) -> str:
    """Say in what two identities differ: "lr=0.02 there, 0.01 here; other data"."""
    parts = []
    for key in differences(there, here):
        if key == "data_sha256":
            parts.append("other data")
        elif key == "numerics":
            parts.append("made by a version of npdigits that computes other bits")
        else:
            parts.append(f"{key}={there.get(key)} there, {here.get(key)} here")
    if len(parts) > MOST_NAMED:
        parts[MOST_NAMED:] = [f"and {len(parts) - MOST_NAMED} more"]
    return "; ".join(parts)
