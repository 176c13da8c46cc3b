#!/usr/bin/env bash
# Optuna 5.0.0: CMA-ES learns nothing from points that were given to it.
#
# Guessed: a trial with given parameters (enqueue_trial) that is told is one of the generation, as one that was proposed.
# Seen: it is in no generation. After whole generations of given points, good ones near 0.1 in one study and near 0.9 in
# the other, both studies propose the same next point. The library that the sampler uses, told of the same generations,
# moves to 0.1 and to 0.9.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check optuna==5.0.0 cmaes==0.13.1 numpy==2.4.6
cd "$folder" && "$folder/venv/bin/python" - <<'END'
import cmaes
import numpy as np
import optuna
from optuna.distributions import FloatDistribution

optuna.logging.set_verbosity(optuna.logging.ERROR)
SPACE = {"x": FloatDistribution(0, 1), "y": FloatDistribution(0, 1)}
SIZE, GENERATIONS = 6, 5


def cost(point, good):
    return float(((point - good) ** 2).sum())


def by_optuna(points, good):
    study = optuna.create_study(sampler=optuna.samplers.CmaEsSampler(seed=1, popsize=SIZE))
    study.tell(study.ask(SPACE), 1.0)  # the first trial is drawn at random
    for point in points:
        study.enqueue_trial({"x": float(point[0]), "y": float(point[1])})
        study.tell(study.ask(SPACE), cost(point, good))
    return list(study.ask(SPACE).params.values())


def by_library(points, good):
    optimizer = cmaes.CMA(np.full(2, 0.5), 1 / 6, bounds=np.tile([0.0, 1.0], (2, 1)), seed=1, population_size=SIZE)
    for i in range(0, len(points), SIZE):
        optimizer.tell([(point, cost(point, good)) for point in points[i : i + SIZE]])
    return optimizer.mean.tolist()


found = {}
for good in (0.1, 0.9):
    points = np.random.default_rng(0).normal(good, 0.05, (SIZE * GENERATIONS, 2)).clip(0, 1)
    found[good] = by_optuna(points, good), by_library(points, good)
    asked, mean = ([round(x, 3) for x in each] for each in found[good])
    print(f"good points near {good}: Optuna {optuna.__version__} asks for {asked}; the mean of cmaes is {mean}")
assert found[0.1][0] == found[0.9][0]
assert all(abs(x - good) < 0.1 for good, (_, mean) in found.items() for x in mean)
END
