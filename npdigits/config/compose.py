"""The library's side of Hydra: from overrides, or from the defaults alone, to a checked configuration."""

import threading
from collections.abc import Collection, Sequence
from typing import Any

from npdigits.base import own_code
from npdigits.base.errors import ConfigError, UserError
from npdigits.config.components import KINDS
from npdigits.config.conf_files import CONF, GROUPS, choices
from npdigits.config.messages import no_such_choice, one_line
from npdigits.config.override import Override
from npdigits.config.race_options import refuse_idle, take_off
from npdigits.config.schema import Config, parse_config
from npdigits.config.typed_race import spell_out

# What a function of the user's can be given for.
CHOSEN_BY = (*(key for key in KINDS if "." not in key), "source")
_one_at_a_time = threading.Lock()
# Where Hydra would write: nowhere, as a run directory is ours.
HYDRAS_FOLDERS = ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir", "hydra.output_subdir")


def compose(overrides: Sequence[str] = (), **own: Any) -> Config:
    """Compose and check a configuration as the command line would: ``compose(["hidden=30", "data=mnist_5k"])``.

    Args:
        overrides: as typed.
        own: functions of your own, by the key that chooses them: ``compose(["swish.beta=2"], activation=mine.swish)``;
            ``metrics`` takes a list, and ``source`` is that of ``data=own``.

    Raises:
        ConfigError: an override is not allowed.
        OwnCodeError: a function of your own cannot be used.
    """
    if isinstance(overrides, str):
        raise ConfigError(f"compose({overrides!r}): allowed is a list of overrides: compose([{overrides!r}])")
    overrides = [*_choices_of(own), *overrides]
    try:
        config = check_composed(compose_with_hydra(make_readable(overrides) if overrides else ()))
        refuse_idle(overrides)
        return config
    except (UserError, OSError):  # the working directory may be gone
        raise
    except Exception as error:
        raise ConfigError(one_line(error, overrides)) from error


def _choices_of(own: dict[str, Any]) -> list[str]:
    """Return the overrides that choose these functions.

    Raises:
        ConfigError: no function can be chosen by a key.
    """
    if not own:
        return []
    from npdigits.config import grammar  # which imports Hydra

    typed = []
    for key, chosen in own.items():
        if key not in CHOSEN_BY:
            raise ConfigError(f"{key}: allowed for functions of your own are {', '.join(CHOSEN_BY)}")
        specs = [own_code.of_function(one).spec for one in (chosen if isinstance(chosen, list | tuple) else [chosen])]
        quoted = [grammar.quoted(spec) for spec in specs]
        if key == "source":
            typed += ["data=own", f"data.source={quoted[0]}"]
        else:
            typed.append(f"{key}=[{','.join(quoted)}]" if key == "metrics" else f"{key}={quoted[0]}")
    return typed


def defaults() -> dict[str, Any]:
    """Return the values of a run without overrides: ``compose().as_dict()``, not yet checked.

    Read without Hydra, which composes one configuration at a time in a process, and none within a program of its own.
    """
    import yaml

    values: dict[str, Any] = yaml.safe_load((CONF / "train.yaml").read_text(encoding="utf-8"))
    chosen = next(entry["data"] for entry in values.pop("defaults") if isinstance(entry, dict) and "data" in entry)
    values["data"] = yaml.safe_load((CONF / "data" / f"{chosen}.yaml").read_text(encoding="utf-8"))
    del values["hydra"], values["race"]
    return values


def make_readable(typed: Sequence[str], components: Collection[str] = ()) -> list[str]:
    """Return the overrides as Hydra reads what was typed.

    Args:
        typed: overrides.
        components: names of own components that are chosen elsewhere.

    Raises:
        ConfigError: one cannot be read, or is not allowed.
    """
    from npdigits.config.reading import read_overrides

    typed = spell_out(typed)
    for override in map(Override.of, typed):
        value = override.value or ""
        # Of several choices Hydra would take the last one and say nothing.
        if override.key in GROUPS and not override.deletes and (value.startswith("[") or value in ("", "null")):
            raise ConfigError(no_such_choice(override.key, value))
        if override.key in HYDRAS_FOLDERS and not override.deletes:
            raise ConfigError(f"{override.typed}: not allowed: the run directory is chosen with out=DIR")
    return read_overrides(typed, {group: choices(group) for group in GROUPS}, components)


def compose_with_hydra(overrides: Sequence[str]) -> Any:
    """Return what Hydra composes of overrides that it can read, its own part included."""
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    # Hydra's state is the process's: of other threads, and of a program around this one that is Hydra's itself.
    with _one_at_a_time:
        around = GlobalHydra.instance().hydra
        GlobalHydra.instance().clear()
        try:
            with hydra.initialize_config_dir(str(CONF), **version_base()):
                return hydra.compose("train", list(overrides), return_hydra_config=True)
        finally:
            GlobalHydra.instance().hydra = around


def version_base() -> dict[str, Any]:
    """Return the arguments that have Hydra behave as of 1.3, which 1.4 does anyway and warns of when it is told so."""
    import hydra

    return {"version_base": "1.3"} if hydra.__version__.startswith("1.3.") else {}


def check_composed(composed: Any) -> Config:
    """Check what Hydra composed, as plain values, so that ``+key=`` cannot pass by the check."""
    return parse_config(own_values(composed))


def own_values(composed: Any) -> dict[str, Any]:
    """Return what Hydra composed for a single run without its own part, as plain values.

    Raises:
        ConfigError: a race is asked for.
    """
    from omegaconf import OmegaConf

    ours = OmegaConf.masked_copy(composed, [key for key in composed if key != "hydra"])
    values = OmegaConf.to_container(ours, resolve=True)
    assert isinstance(values, dict)
    return take_off({str(key): value for key, value in values.items()})
