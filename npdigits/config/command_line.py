"""The command line of ``npdigits``: composes the configuration that was typed, and starts a run or a sweep."""

import functools
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, Protocol

from npdigits.base import portable, program
from npdigits.base.errors import ConfigError, UserError
from npdigits.base.terminal import show
from npdigits.config.compose import compose_with_hydra, make_readable, own_values, version_base
from npdigits.config.conf_files import CONF
from npdigits.config.help import help_text, own_help
from npdigits.config.messages import is_hydras, one_line
from npdigits.config.override import Override
from npdigits.config.own_choices import names_in
from npdigits.config.race_options import refuse_idle
from npdigits.config.schema import Config, parse_config
from npdigits.config.typed_race import as_override, split_arms

if TYPE_CHECKING:  # which import Hydra
    from npdigits.config.asked_race import AskedRace
    from npdigits.config.space import Space

# Takes the checked configuration and the overrides as typed; returns the exit code.
Running = Callable[[Config, list[str]], int]


class Sweeping(Protocol):
    """What does a sweep."""

    def __call__(
        self, points: list[tuple[list[str], Config]], swept: list[str], fixed: list[str], where: dict[str, Any]
    ) -> int:
        """Do these runs, of which the keys ``swept`` vary and the overrides ``fixed`` do not; return the exit code.

        ``where`` are the values of ``hydra.launcher``.
        """


@dataclass(frozen=True)
class Acts:
    """What a command line can ask for.

    Attributes:
        run: does one run.
        sweep: does several.
        race: holds a race; returns the exit code.
    """

    run: Running
    sweep: Sweeping
    race: "Callable[[AskedRace], int]"


def main(run: Running, sweep: Sweeping, race: "Callable[[AskedRace], int]") -> None:
    """Run the command line: compose what was typed, do it, and end the process with the exit code.

    Args:
        run: does one run.
        sweep: does several.
        race: finds good settings.
    """
    arguments = ["trust=true" if argument == "--trust" else argument for argument in sys.argv[1:]]
    if any(argument in ("--help", "-h") for argument in arguments):
        act = functools.partial(_help, arguments)
    elif "--version" in arguments:
        act = functools.partial(_print, f"npdigits {metadata.version('npdigits')}")
    else:
        act = functools.partial(dispatch, Acts(run, sweep, race), arguments)
    sys.exit(program.exit_code("npdigits", functools.partial(in_our_words, act, arguments)))


def dispatch(acts: Acts, arguments: list[str]) -> int:
    """Do what was typed. A single run is composed here, not by ``hydra.main``, which composes twice."""
    if any(argument.startswith("-") for argument in arguments):
        return let_hydra_act(acts, arguments)
    readable = make_readable(arguments)
    decisive = _decisive(readable)
    if decisive and str(compose_with_hydra(decisive).hydra.mode) == "RunMode.MULTIRUN":
        return let_hydra_act(acts, ["--multirun", *arguments])
    for override in map(Override.of, decisive):
        if override.key.startswith("hydra.sweeper"):
            raise ConfigError(f"{override.typed.lstrip('+')}: is read with --multirun only")
    values = own_values(compose_with_hydra(readable))
    refuse_idle(arguments)
    return acts.run(_checked(values), arguments)


def let_hydra_act(acts: Acts, arguments: list[str]) -> int:
    """Let Hydra do what its options say; return the exit code."""
    # Hydra then raises what it would otherwise print over several lines.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    from npdigits.config import grid, options, space

    common, arms = split_arms(arguments)
    asked, typed = options.split(common)
    if arms:
        more, of_arms = zip(*map(options.split, arms.values()), strict=True)
        asked += [option for found in more for option in found]
        typed.append(as_override({name: make_readable(own) for name, own in zip(arms, of_arms, strict=True)}))
    if options.completes(asked):
        from npdigits.config.completion import readable_line

        readable = list(typed)
        os.environ["COMP_LINE"] = readable_line(os.environ.get("COMP_LINE", ""))
    else:
        readable = make_readable(typed)
    if not options.shows(asked):
        grid.register()
        readable += grid.OURS
        if not options.sweeps(asked) and _refused_for_mode(asked, _decisive(readable)):
            readable.append("hydra.mode=MULTIRUN")
    try:
        composed = _run_hydra([*asked, *readable])
    except grid.Grid as found:
        # Every point is checked before the first begins.
        typed_ones = {one for overrides, _ in found.points for one in overrides}
        names = {name for one in map(Override.of, typed_ones) for name in names_in(one.key, one.value or "")}
        _start_portably([values for _, values in found.points])
        points = [
            (overrides, parse_config(_without_race(values), elsewhere=names)) for overrides, values in found.points
        ]
        return acts.sweep(points, found.swept, found.fixed, found.launcher)
    except space.Space as found:
        return acts.race(_asked_race(found))
    if composed is None:
        return 0
    values = own_values(composed)
    refuse_idle(typed)
    return acts.run(_checked(values), typed)


def _without_race(values: dict[str, Any]) -> dict[str, Any]:
    """Return a grid point's values without the table of a race, which a grid is none of."""
    return {key: value for key, value in values.items() if key != "race"}


def _asked_race(found: "Space") -> "AskedRace":
    """Return a race that was asked for, checked, in a process that computes as it says."""
    from npdigits.config.asked_race import AskedRace
    from npdigits.config.race_check import check

    asked = AskedRace(found.options, found.axes, found.fixed, found.fixed_of, found.launcher)
    _start_portably([asked.values("", ())])
    check(asked)
    return asked


def _checked(values: dict[str, Any]) -> Config:
    """Return the configuration of a single run, in a process that computes as it says."""
    _start_portably([values])
    return parse_config(values)


def _start_portably(configurations: Sequence[dict[str, Any]]) -> None:
    """Start this program again with portable arithmetic if one of the configurations wants it, and it has another.

    It comes before they are checked, which executes own code of the user's.
    """
    if any(values.get("portable") is True for values in configurations):
        portable.enter()


def _refused_for_mode(options: list[str], decisive: list[str]) -> bool:
    """Say whether Hydra refuses an experiment because that asks for a sweep.

    Hydra 1.3 begins the sweep; Hydra 1.4 takes ``hydra.mode`` from conf/train.yaml and from what was typed alone.
    """
    from hydra.errors import HydraException

    from npdigits.config import grid, space

    if not any(Override.of(override).key == "experiment" for override in decisive):
        return False
    try:
        _run_hydra([*options, *decisive])
    except (grid.Grid, space.Space):
        return False
    except HydraException as error:
        if "hydra.mode changed" not in str(error):
            raise
        return True
    return False


def _run_hydra(arguments: list[str]) -> Any:
    """Return what ``hydra.main`` composes for a run with these arguments; None if it has printed something instead."""
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    # Hydra takes options only before the overrides; people type them anywhere.
    sys.argv[1:] = arguments
    jobs: list[Any] = []

    @hydra.main(config_path=str(CONF), config_name="train", **version_base())
    def job(composed: Any) -> None:
        # The run is made outside of Hydra, which would add its own words to every error.
        jobs.append(composed)

    try:
        job()
    finally:
        GlobalHydra.instance().clear()
    return jobs[0] if jobs else None


def _decisive(readable: Sequence[str]) -> list[str]:
    """Return the overrides that decide whether there is one run to do or several."""
    return [override for override in readable if Override.of(override).key.startswith(("experiment", "hydra"))]


def _help(arguments: Sequence[str]) -> int:
    """Print the page of all keys, or what is known of the own components that are named."""
    return _print(own_help(arguments) or help_text())


def _print(text: str) -> int:
    show(text)
    return 0


def in_our_words(act: Callable[[], int], arguments: Sequence[str]) -> int:
    """Return the exit code of ``act``; an error of Hydra's, or too little memory, becomes one of ours."""
    try:
        return act()
    except UserError:
        raise
    except MemoryError as error:
        raise ConfigError(f"out of memory: {one_line(error)}: a smaller hidden or batch_size needs less") from error
    except Exception as error:
        if is_hydras(error):
            raise ConfigError(one_line(error, arguments)) from error
        raise
