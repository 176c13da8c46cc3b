"""Any number of processes leaves the same bytes, under each of BLAS's kernels for x86-64."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from same_by_many import CONFIGURATIONS, digest

from npdigits.training.workers import can_fork

pytestmark = pytest.mark.skipif(not can_fork(), reason="processes share a run on Linux only")


@pytest.mark.parametrize("typed", CONFIGURATIONS)
def test_any_number_of_processes_leaves_the_same_bytes(typed):
    alone = digest(typed, 1)
    assert [digest(typed, number) for number in (2, 3, 4, 7)] == [alone] * 4


def test_the_configurations_are_told_apart():
    """Else the digest would be one of nothing."""
    assert len({digest(typed, 1) for typed in CONFIGURATIONS[:5]}) == 5


@pytest.mark.skipif(platform.machine() != "x86_64", reason="these are kernels for x86-64")
@pytest.mark.parametrize("kernel", ["Haswell", "Sandybridge"])
def test_under_other_kernels_too(kernel):
    script, env = Path(__file__).with_name("same_by_many.py"), {**os.environ, "OPENBLAS_CORETYPE": kernel}
    done = subprocess.run([sys.executable, str(script), "1,3"], env=env, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("", "", 0)
