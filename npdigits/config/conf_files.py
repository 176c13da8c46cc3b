"""The files of conf/: where they are, and which choices its groups have."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
# Inside a wheel conf/ stands in the package, in a checkout beside it.
CONF = next((path for path in (_PACKAGE / "conf", _PACKAGE.parent / "conf") if path.is_dir()), _PACKAGE / "conf")

GROUPS = ("data", "experiment")


def choices(group: str) -> list[str]:
    """Return a group's choices; those of a folder as published/softmax."""
    files = sorted((CONF / group).rglob("*.yaml"))
    return [path.relative_to(CONF / group).with_suffix("").as_posix() for path in files]
