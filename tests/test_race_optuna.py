"""experiments/race_optuna.py: whoever chooses among a grid's settings pays for each run once, within the budget."""

import importlib.util
import itertools
import sys
from types import ModuleType

import numpy as np
import pytest
from made import REPOSITORY


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import the script, which has race_rules.py beside it."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "experiments"))
    spec = importlib.util.spec_from_file_location("race_optuna", REPOSITORY / "experiments" / "race_optuna.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "race_optuna", module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore:WilcoxonPruner is experimental")
def test_runs_are_paid_once_and_the_best_is_found(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one setting is far ahead, both choose it; a run costs its epochs once; who is lost wins nothing."""
    points = tuple(itertools.product(range(4), range(4)))
    settings = script.Settings(tuple(map(str, points)), {"lr": (1, 2, 3, 4), "l2": (1, 2, 3, 4)}, points)
    accuracy = 0.9 - 0.01 * np.arange(16.0)[:, None] + 0.001 * np.random.default_rng(0).random((16, 6))
    accuracy[3], accuracy[6] = np.nan, 0.95 + accuracy[6] / 1000
    curves = np.repeat(accuracy[:, :, None], 10, axis=2)
    table = script.Table(curves, np.full((16, 6), 10), settings.digests)
    way = script.Way("", 6)
    monkeypatch.setattr(script, "MOST_TRIALS", 100)
    everything = script.choose_by_optuna(table, settings, range(6), 10_000, way, seed=1)
    assert everything.setting == 6
    assert everything.used < 16 * 6 * 10  # what is far behind is pruned, and what is repeated is free
    for budget in (200, 333):
        few = script.choose_by_optuna(table, settings, range(6), budget, way, seed=1)
        assert budget - 10 < few.used <= budget
        assert script.choose_by_race(table, range(6), budget).used <= budget
    assert script.choose_by_race(table, range(6), 400).setting == 6
    with pytest.raises(SystemExit, match="too small for one trial"):
        script.choose_by_optuna(table, settings, range(6), 50, way, seed=1)
