"""Where runs land by default: outputs/, in a directory that is called by date and time."""

import datetime
from pathlib import Path

from npdigits.config.conf_files import CONF


def outputs() -> Path:
    """Return the checkout's outputs/, or that of the working directory where there is no checkout."""
    home = CONF.parent
    return (home if (home / "pyproject.toml").is_file() else Path.cwd()) / "outputs"


def make_directory(outputs: Path) -> Path:
    """Make outputs/<date>/<time to the microsecond>, which no other process can have made."""
    now = datetime.datetime.now()
    while True:
        path = outputs / now.strftime("%Y-%m-%d") / now.strftime("%H-%M-%S-%f")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.mkdir()
        except FileExistsError:
            now += datetime.timedelta(microseconds=1)  # a clock may stand still
        else:
            return path
