#!/usr/bin/env bash
# Optuna 5.0.0: CMA-ES cannot be warm-started by trials that have a choice beside their numbers.
#
# Guessed: source_trials serve the numbers, and a choice is drawn apart, as in any other study with this sampler.
# Seen: ValueError: No compatible source_trials, though the trials are of the very same space. Without the warm start the
# same space is sampled, and with it the same space without the choice is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check optuna==5.0.0 cmaes==0.13.1 numpy==2.4.6
cd "$folder" && "$folder/venv/bin/python" - <<'END'
import warnings

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
NUMBERS = {"x": FloatDistribution(0, 1), "y": FloatDistribution(0, 1)}
MIXED = NUMBERS | {"choice": CategoricalDistribution(["a", "b"])}


def run(space, **options):
    study = optuna.create_study(sampler=optuna.samplers.CmaEsSampler(seed=1, **options))
    for _ in range(20):
        trial = study.ask(space)
        study.tell(trial, trial.params["x"] + trial.params["y"])
    return study.trials


print("Optuna", optuna.__version__)
assert len(run(NUMBERS, source_trials=run(NUMBERS))) == 20
print("two numbers, warm start: 20 trials")
source = run(MIXED)
print(f"two numbers and a choice: {len(source)} trials")
try:
    run(MIXED, source_trials=source)
except ValueError as error:
    print(f"two numbers and a choice, warm start: ValueError: {error}")
    assert "No compatible source_trials" in str(error)
else:
    raise AssertionError("trials with a choice warm-start CMA-ES")
END
