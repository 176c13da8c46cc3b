"""Preparing a run: its settings, its data, its sizes and its identity, before anything is written."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npdigits.base import portable
from npdigits.base.errors import DataUnavailable
from npdigits.base.paths import absolute
from npdigits.base.text import printable
from npdigits.config.build import check_fit
from npdigits.config.compose import compose
from npdigits.config.dependence import renamed, without_effect
from npdigits.config.identity import Canonical, form_for, identity, in_canonical_form
from npdigits.config.keys import FILE_DATA
from npdigits.config.schema import Config, DataConfig
from npdigits.config.seeds import seed_of
from npdigits.data import own_set, sets
from npdigits.data.sets import Data, Split
from npdigits.forms.found import Wanted
from npdigits.runs import about_data, resume
from npdigits.runs.report import Report


@dataclass(frozen=True)
class Plan:
    """A run that could begin now.

    Attributes:
        config: checked, in its canonical form.
        out_dir: the run directory; None for a new one below outputs/.
        resuming: whether the run that is there goes on by its own settings.
        overrides: what the user typed.
        source: the data set.
        about_data: what summary.json says of it.
        train, val: the sets that its training digits are divided into.
        sizes: of the layers, from the pixels to the classes.
        identity: all that decides the result.
        form: brings the identity of another run on this data set into its canonical form.
    """

    config: Config
    out_dir: Path | None
    resuming: bool
    overrides: tuple[str, ...]
    source: Data
    about_data: dict[str, Any]
    train: Split
    val: Split
    sizes: tuple[int, ...]
    identity: dict[str, Any]
    form: Canonical

    @property
    def data_sizes(self) -> dict[str, int]:
        """Digits of each set."""
        return {"train": len(self.train), "val": len(self.val), "test": len(self.source.test)}

    @property
    def config_from_anywhere(self) -> Config:
        """The configuration with paths that mean the same from every directory."""
        return dataclasses.replace(self.config, data=self.config.data.from_anywhere())


def prepare(
    config: Config, out_dir: Path | None, overrides: Sequence[str], source: Data | None, report: Report
) -> Plan:
    """Determine all that a run needs before it claims its directory; write nothing.

    Args:
        config: checked. With ``resume`` the run there goes on by its own settings instead.
        out_dir: the run directory; None is ``out`` of the configuration, or else a new one.
        overrides: what the user typed.
        source: the data set, if it is loaded already.
        report: is told what has no effect, and what is used in the place of what was asked for.

    Raises:
        UserError: the configuration does not fit the data or the machine, or the data cannot be had.
    """
    out_dir = out_dir or config.out_dir()
    data_name, fallback = config.data.name, config.data.fallback
    resuming = bool(config.resume)
    if resuming:
        out_dir = absolute("resume", config.resume)
        assert out_dir is not None
        config, data_name = resume.settle(out_dir, config, overrides or _differing_keys(config), report.warn)
        fallback = None  # another data set would be another run
        report.quiet = config.quiet
    else:
        for line in without_effect(config, overrides):
            report.warn(line)
        for line in renamed(overrides):
            report.say(line)
    if config.portable:
        portable.require()
    source = source or load_data(config.data, data_name, fallback, report.warn)
    if source.described:
        report.say(source.described)
    config = config if resuming else with_own_val_size(config, source)
    about = about_data.summarize(source)
    known = len(source.train), source.default_val_size
    config = in_canonical_form(config, *known)
    train, val = sets.hold_out(source, config.val_size, seed_of(config, "split"))
    sizes = (train.images.shape[1], *config.hidden, source.n_classes)
    check_fit(config, sizes, len(train), source)
    this = identity(config, source.sha256)
    return Plan(config, out_dir, resuming, tuple(overrides), source, about, train, val, sizes, this, form_for(*known))


def load_data(chosen: DataConfig, name: str, fallback: str | None, warn: Callable[[str], None]) -> Data:
    """Load a data set from where the configuration says.

    Args:
        chosen: says where it is.
        name: of the set, which for a run that goes on is the one that it began with.
        fallback: the set to use where it cannot be had; None makes that an error.
        warn: is told when the fallback is used.

    Raises:
        DataUnavailable: no set has this name; one that is typed was looked up before, one of a run's files was not.
        DataError: a file is damaged.
    """
    if name == FILE_DATA and chosen.path:
        return load_files(chosen, warn)
    if name == own_set.NAME and chosen.own:
        where = f"data.source={chosen.own.code.spec}"
        return warned(own_set.load(chosen.own.function(), dict(chosen.own.numbers), where), warn)
    if name not in sets.LOADERS:
        raise DataUnavailable(
            f"data={printable(name)}: allowed are {', '.join((*sets.LOADERS, FILE_DATA))}: no other set can be loaded"
        )
    data = sets.load(
        name, root=chosen.root_dir(), mirror=chosen.mirror, folder=chosen.folder(), fallback=fallback, warn=warn
    )
    return warned(data, warn) if data.name == "idx" else data


def load_files(chosen: DataConfig, warn: Callable[[str], None]) -> Data:
    """Load a data set of any of the user's files."""
    from npdigits.forms.load import load

    path, test = chosen.files()
    assert path
    return load(path, test, wanted(chosen), warn)


def wanted(chosen: DataConfig) -> Wanted:
    """Return what the configuration says of the user's files."""
    return Wanted(**{field.name: getattr(chosen, field.name) for field in dataclasses.fields(Wanted)})


def warned(data: Data, warn: Callable[[str], None]) -> Data:
    """Return a data set of the user's own, once they are told what it can hardly be."""
    from npdigits.forms.checks import doubts

    for line in doubts(data):
        warn(line)
    return data


def with_own_val_size(config: Config, source: Data) -> Config:
    """Return a configuration with the size of the validation set that the user's files hold, where it says none.

    Null would mean the size that a set with the same digits has by default, whatever files it comes from.
    """
    if config.val_size is not None or source.own_val_size is None:
        return config
    return dataclasses.replace(config, val_size=source.own_val_size)


def _differing_keys(config: Config) -> list[str]:
    """Return the keys that differ from the defaults: what was typed, where the caller does not say."""
    default, chosen = compose().as_dict(), config.as_dict()
    return [f"{key}={value}" for key, value in chosen.items() if value != default.get(key)]
