"""Where runs land by default."""

from pathlib import Path

from npdigits.config.conf_files import CONF


def outputs() -> Path:
    """Return the checkout's outputs/, or that of the working directory where there is no checkout."""
    home = CONF.parent
    return (home if (home / "pyproject.toml").is_file() else Path.cwd()) / "outputs"
