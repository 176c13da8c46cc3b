"""The keys ``race.…``: how a race is to be held. A run's own configuration knows nothing of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from npdigits.base.errors import ConfigError
from npdigits.config.override import Override
from npdigits.config.rules import Rule, integer, one_of, optional
from npdigits.config.suggestions import suggestion
from npdigits.config.value_text import short_text

# Where settings can come from.
SEARCHES = ("grid", "sobol", "tpe", "gp", "random", "cmaes")


@dataclass(frozen=True)
class RaceOptions:
    """What conf/train.yaml has under ``race``, checked.

    Attributes:
        settings: how many settings race, in all arms together; null in train.yaml: no race.
        budget: training epochs of the race and of its confirmation; None: a fifth of what all settings with ten seeds
            would take, ``2 · settings · epochs``, or the least that a race of so many takes.
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

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "RaceOptions":
        """Check plain values; ``arms`` among them are not this table's.

        Raises:
            ConfigError: a key or a value is not allowed.
        """
        _refuse_unknown(values)
        checked: dict[str, Any] = {}
        for key, value in values.items():
            if key == "arms":
                continue
            try:
                checked[key] = RULES[key](value)
            except ValueError as error:
                raise ConfigError(f"race.{key}={short_text(value)}: allowed is {error}") from None
        return cls(**checked)


def _refuse_unknown(table: Mapping[Any, Any]) -> None:
    """Refuse a key that a race does not have.

    Raises:
        ConfigError: there is one.
    """
    known = (*RULES, "arms")
    for key in (key for key in table if key not in known):
        typed = f"race.{short_text(key)}={short_text(table[key])}"
        raise ConfigError(f"{typed}: unknown key; allowed are {', '.join(known)}{suggestion(key, known)}")


def _texts(value: Any) -> tuple[str, ...]:
    """Allow a text or a list of texts; null is none."""
    given = () if value is None else tuple(value) if isinstance(value, list | tuple) else (value,)
    if not all(isinstance(one, str) and one.strip() for one in given):
        raise ValueError("a constraint such as 'parameters <= 16000', or a list of them")
    return tuple(one.strip() for one in given)


def _overrides(value: Any) -> str:
    """Allow overrides as one text, or as a list of them."""
    given = value if isinstance(value, list | tuple) else (value,)
    if not given or not all(isinstance(one, str) and "=" in one for one in given):
        raise ValueError("the overrides of one setting, such as 'lr=0.01 l2=0'")
    return " ".join(one.strip() for one in given)


# The most settings: each is composed, checked and kept in race.json.
MOST_SETTINGS = 10_000
RULES: dict[str, Rule] = {
    "settings": integer(2, MOST_SETTINGS),
    "budget": optional(integer(1)),
    "search": optional(one_of(dict.fromkeys(SEARCHES))),
    "where": _texts,
    "reference": optional(_overrides),
    "finalists": optional(integer(1, 100)),
    "confirm": integer(2, 1000),
    "seed": integer(0),
}
# What may stand before the "=" of an override.
ARMS = "race.arms"
KEYS = ("race", *(f"race.{key}" for key in RULES), ARMS)


def read_table(composed: Any, arms: Any = None) -> dict[str, Any]:
    """Return the table ``race`` of a configuration as plain values; of the arms each setting resolves its own.

    Args:
        composed: what Hydra composed of it.
        arms: those that were typed, which take the place of an experiment's.

    Raises:
        ConfigError: it is no table.
    """
    from omegaconf import DictConfig, OmegaConf

    if composed is None:  # as of ~race
        return {"settings": None, "arms": arms}
    if not isinstance(composed, DictConfig):
        raise _no_table(composed)
    unresolved = OmegaConf.to_container(composed, resolve=False)
    assert isinstance(unresolved, dict)
    table: dict[str, Any] = {str(key): composed[key] for key in unresolved if key != "arms"}
    plain = {key: OmegaConf.to_container(one) if OmegaConf.is_config(one) else one for key, one in table.items()}
    _refuse_unknown(plain)
    return {"settings": None} | plain | {"arms": unresolved.get("arms") if arms is None else arms}


def _no_table(value: Any) -> ConfigError:
    """Return the error of a file that has something else than a table under ``race``."""
    return ConfigError(f"race={short_text(value)}: in a file it is a table: race: {{settings: {short_text(value)}}}")


def refuse_idle(typed: Sequence[str]) -> None:
    """Refuse what was typed of how a race is to be held where no race is asked for.

    Raises:
        ConfigError: something was.
    """
    for override in map(Override.of, typed):
        if override.key.startswith("race.") and override.key != "race.settings":
            what = "--arm" if override.key == ARMS else override.typed
            raise ConfigError(f"{what}: is read in a race only: race=64 holds one of 64 settings")


def take_off(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a single run or a grid's point without the table ``race``.

    Raises:
        ConfigError: a race is asked for.
    """
    rest = dict(values)
    table = rest.pop("race", None)
    if table is None:
        return rest
    if not isinstance(table, Mapping):
        raise _no_table(table)
    _refuse_unknown(table)
    if table.get("settings") is not None:
        raise ConfigError(f"race={short_text(table['settings'])}: a race is many runs: add --multirun")
    return rest
