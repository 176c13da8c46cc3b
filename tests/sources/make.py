"""Make the files that tests/test_sources_*.py read, each with the program that really writes them.

By hand: ``python tests/sources/make.py [NAME …]``. The first line of each ``writers/NAME.py`` tells what it needs,
``# requires: mlflow==3.1``. It is run as ``python writers/NAME.py FOLDER`` in an environment of its own, made in a
temporary folder and deleted; what it leaves in FOLDER becomes ``files/NAME``. Tests read these and never run this.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).parent


def make(name: str) -> None:
    """Make the files of one writer anew."""
    writer = HERE / "writers" / f"{name}.py"
    required = writer.read_text().splitlines()[0].removeprefix("# requires:").split()
    with tempfile.TemporaryDirectory() as scratch:
        environment, folder = Path(scratch) / "venv", Path(scratch) / "written"
        folder.mkdir()
        venv.create(environment, with_pip=True)
        python = environment / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *required], check=True)
        # Nothing of the user's: no home, no settings, no network wanted.
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": scratch,
            "TMPDIR": scratch,
            "PYTHONPATH": str(HERE),
            "TZ": "UTC",
            "USER": "somebody",
            "LOGNAME": "somebody",
        }
        subprocess.run([python, "-P", writer, folder], check=True, cwd=scratch, env=variables)
        shutil.rmtree(HERE / "files" / name, ignore_errors=True)
        shutil.copytree(folder, HERE / "files" / name, symlinks=True)
    size = sum(path.stat().st_size for path in (HERE / "files" / name).rglob("*") if path.is_file())
    print(f"{name}: {size / 1000:.0f} kB by {' '.join(required)}")


if __name__ == "__main__":
    for each in sys.argv[1:] or sorted(path.stem for path in (HERE / "writers").glob("*.py")):
        make(each)
