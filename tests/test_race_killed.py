"""A race that is killed five times is the undisturbed one, byte by byte: one race of the harness."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the harness forks")
def test_a_race_that_is_killed_five_times_is_the_undisturbed_one():
    """``python tests/kill_race.py`` holds larger ones, by processes of this machine and a cluster, and kills these."""
    here = Path(__file__).parent
    ended = subprocess.run(
        [sys.executable, str(here / "kill_race.py"), "--races", "1", "--place", "0", "--small"],
        capture_output=True, text=True, timeout=300, cwd=here,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "exit code" in ended.stdout and "launcher" in ended.stdout
