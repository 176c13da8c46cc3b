"""What makes two runs the same run."""

import hashlib
import json
from typing import Any

from npdigits.config import Config

# Raised whenever a change of the code alters the bits of a result.
NUMERICS = 3

# Keys that cannot change a result. ``data`` is left out because the SHA-256 of what was really read stands for it.
NOT_PART = {"out", "plots", "quiet", "data"}


def identity(config: Config, data_sha256: str) -> dict[str, Any]:
    """Return all that a run's result depends on, apart from the machine and the versions of libraries."""
    keys = {key: value for key, value in config.as_dict().items() if key not in NOT_PART}
    return {**keys, "data_sha256": data_sha256, "numerics": NUMERICS}


def digest(identity: dict[str, Any]) -> str:
    """Return the SHA-256 of an identity, in hex."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
