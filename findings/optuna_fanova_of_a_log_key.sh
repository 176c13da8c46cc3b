#!/usr/bin/env bash
# Optuna 5.0.0: the importance of a logarithmic parameter is that over the plain interval.
#
# Guessed: the functional ANOVA averages over a parameter as it is drawn, over the logarithm where it is log=True.
# Seen: it averages over the plain interval. A rate between 1e-5 and 1, below 1e-3 in two of five trials, decides nearly
# all of the variance of the trials, but gets about half of the importance, as 99.9 % of the plain interval lie above
# 1e-3. The same trials with the rate's logarithm as a plain parameter give it nearly all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check \
    optuna==5.0.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
cd "$folder" && "$folder/venv/bin/python" - <<'END'
import numpy as np
import optuna
from optuna.distributions import FloatDistribution
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import create_trial

optuna.logging.set_verbosity(optuna.logging.ERROR)
rng = np.random.default_rng(0)
logarithms, others = rng.uniform(-5, 0, 200), rng.uniform(0, 1, 200)
low = (logarithms < -3).astype(float)
values = low + 0.1 * others
print(f"variance of the trials that the rate explains: {low.var() / values.var():.3f}")


def importance(declared, of):
    space = {"rate": declared, "other": FloatDistribution(0, 1)}
    study = optuna.create_study()
    for logarithm, other, value in zip(logarithms, others, values):
        params = {"rate": float(of(logarithm)), "other": float(other)}
        study.add_trial(create_trial(params=params, distributions=space, value=float(value)))
    return float(FanovaImportanceEvaluator(seed=0).evaluate(study)["rate"])


as_log = importance(FloatDistribution(1e-5, 1, log=True), lambda x: 10.0**x)
as_logarithm = importance(FloatDistribution(-5, 0), lambda x: x)
print(f"Optuna {optuna.__version__}: importance of rate, log=True: {as_log:.3f}; of its logarithm: {as_logarithm:.3f}")
assert low.var() / values.var() > 0.98
assert as_log < 0.7
assert as_logarithm > 0.98
END
