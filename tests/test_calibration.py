"""The comparison's promises, on simulated sweeps: a short version of ``python experiments/calibration.py``."""

import importlib.util
import sys

import numpy as np
import pytest
from made import REPOSITORY


@pytest.fixture(scope="module")
def calibration():
    spec = importlib.util.spec_from_file_location("calibration", REPOSITORY / "experiments" / "calibration.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("noise", ["normal", "uniform", "skewed"])
def test_intervals_hold_the_truth_and_few_sweeps_have_a_false_finding(calibration, noise):
    shares = calibration.calibrate(500, 6, 10, noise, np.random.default_rng(0))
    assert 0.93 <= shares["mean held"] <= 0.97
    assert 0.93 <= shares["difference held"] <= 0.97
    assert shares["baseline"] <= 0.05 and shares["best"] <= 0.05
    # What the corrections are for: without them several times as many sweeps have one.
    assert shares["baseline, uncorrected"] > 0.1 and shares["best, uncorrected"] > 0.2
    assert shares["best"] < shares["best, over its own"]


def test_a_true_difference_is_found(calibration):
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(50):
        rows = calibration.null_sweep(rng, 3, 10, "normal")
        rows[1].figures[calibration.METRIC] += 0.004
        family = calibration.make_family(rows, calibration.METRIC, {calibration.WHERE: rows[0]}, True, lambda row: None)
        found += family.differences[rows[1]].real
    assert found >= 45


def test_it_prints_a_table(calibration, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["calibration.py", "--sweeps", "2", "--shapes", "3x5"])
    with pytest.raises(SystemExit) as caught:
        calibration.main()
    assert caught.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(calibration.NOISES) and lines[2].startswith("| normal | 3 | 5 |")
