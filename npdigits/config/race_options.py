"""The keys ``race.…``: how a race is to be held. A run's own configuration knows nothing of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RaceOptions:
    """What conf/train.yaml has under ``race``, checked.

    Attributes:
        settings: how many settings race, in all arms together; null in train.yaml: no race.
        budget: training epochs of the race and of its confirmation; None: a fifth of what all settings with ten seeds
            would take, ``2 · settings · epochs``.
        search: where settings come from: "grid" (all of a finite space), "sobol" (scrambled Sobol sequence), or a
            sampler of Optuna's, "tpe", "gp", "random", "cmaes"; None: the grid where it has no more than ``settings``
            points, else "sobol".
        where: constraints that every setting fulfils: "parameters <= 16000".
        reference: overrides of the setting that finalists are compared with, "lr=0.01 l2=0"; None: the searched keys
            as they are without the race (no reference where there are arms: the first arm's finalist is it).
        finalists: how many are confirmed (of each arm); None: 3, of each of several arms 1.
        confirm: how many fresh seeds the confirmation has.
        seed: of everything that the race draws: settings and seeds.
    """

    settings: int
    budget: int | None = None
    search: str | None = None
    where: tuple[str, ...] = ()
    reference: str | None = None
    finalists: int | None = None
    confirm: int = 10
    seed: int = 0
