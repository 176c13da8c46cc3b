"""What a sweep is to do: every point checked before the first run begins, each with its directory and its data set."""

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npdigits.base import portable
from npdigits.base.errors import ConfigError, DataError
from npdigits.config.build import check_fit
from npdigits.config.components import OwnComponent
from npdigits.config.compose import compose
from npdigits.config.dependence import unread
from npdigits.config.identity import NOT_PART, as_of_today, digest, form_for, identity, in_canonical_form, numerics
from npdigits.config.keys import FILE_DATA
from npdigits.config.override import Override
from npdigits.config.own_names import name_of, without_digests
from npdigits.config.schema import Config, DataConfig
from npdigits.config.value_text import short_text
from npdigits.data import sets
from npdigits.data.sets import Data
from npdigits.runs import about_data, outputs
from npdigits.runs.json_table import read_identity
from npdigits.runs.prepare import load_data, with_own_val_size
from npdigits.runs.report import Report
from npdigits.runs.trial import try_own
from npdigits.sweeps.names import folder_name, run_name
from npdigits.sweeps.points import Point

# Keys that concern the sweep as a whole.
ALIKE_IN_ALL = ("out", "workers", "quiet", "plots", "track", "portable")
# Keys that a run of the sweep does not keep among its overrides: with them it would be written into the sweep's folder.
NOT_KEPT = ("out", "name", "workers")


@dataclass(frozen=True)
class Source:
    """The data set that the launching process has found: what a worker loads, and nothing else in its place."""

    name: str
    sha256: str
    root: Path
    folder: Path | None
    chosen: DataConfig | None = None  # of a set that the user's own function makes, or of the user's own files


@dataclass(frozen=True)
class SweepPlan:
    """What there is to do.

    Attributes:
        folders: the runs of each folder, by the names of their directories.
        sources: the data sets that the runs are to find.
    """

    folders: dict[Path, dict[str, Point]]
    sources: dict[DataConfig, Source]


def check_alike(configs: Sequence[Config]) -> None:
    """Refuse a sweep whose runs differ in what concerns the sweep as a whole.

    Raises:
        ConfigError: says in what.
    """
    for config in configs:
        if config.resume:
            raise ConfigError(f"resume={config.resume}: not allowed in a sweep, which goes on by the same command")
    for key in ALIKE_IN_ALL:
        values = dict.fromkeys(getattr(config, key) for config in configs)
        if len(values) > 1:
            raise ConfigError(f"{key}={','.join(map(short_text, values))}: allowed is one for all runs")


def plan_sweep(
    points: Sequence[tuple[list[str], Config]], swept: Sequence[str], fixed: Sequence[str], report: Report
) -> SweepPlan:
    """Check every point, and return what is to be done; points that are one run are there once.

    Args:
        points: of each run what was typed, and its configuration.
        swept: the keys that vary.
        fixed: what was typed of the others.
        report: is told of points that are one run, and of a data set in the place of another.

    Raises:
        UserError: a point cannot be run.
    """
    if points[0][1].portable:
        portable.require()
    folders: dict[Path, dict[str, Point]] = {}
    found: dict[DataConfig, tuple[Data, Source]] = {}
    default = compose()
    idle: dict[str, str] = {}
    tried: set[tuple[OwnComponent, ...]] = set()
    for typed, config in points:
        if config.data not in found:
            found[config.data] = find_source(config, report)
            about_data.summarize(found[config.data][0])
        data = found[config.data][0]
        check_sizes(config, data)
        if config.own and config.own not in tried:
            try_own_on(config, data)
            tried.add(config.own)
        idle |= {key: why for key, why in unread(config.as_dict()).items() if key in swept}
        folder = config.out_dir() or outputs.outputs() / folder_name(config.name, swept, fixed)
        point = point_of(typed, config, default, data)
        folders.setdefault(folder, {}).setdefault(point.name, point)
    different = sum(map(len, folders.values()))
    if different < len(points):
        reasons = [f"{key} changes no result" for key in swept if key in NOT_PART - {"data"}]
        reasons += [f"{key} has no effect in some ({why})" for key, why in idle.items()]
        report.say(f"{len(points)} points are {different} different runs: {'; '.join(reasons) or 'some are the same'}")
    folders = {folder: _named_as_found(of_folder, folder, report.warn) for folder, of_folder in folders.items()}
    return SweepPlan(folders, {chosen: source for chosen, (_, source) in found.items()})


def check_sizes(config: Config, data: Data) -> None:
    """Refuse a configuration that does not fit a data set, or the machine.

    Raises:
        ConfigError: says why.
    """
    n_train = sets.left_to_train(data, with_own_val_size(config, data).val_size)
    check_fit(config, (data.train.images.shape[1], *config.hidden, data.n_classes), n_train, data)


def try_own_on(config: Config, data: Data) -> None:
    """Try own components on the first digits of a data set.

    Raises:
        OwnCodeError, ConfigError: one fails.
    """
    try_own(config, (data.train.images.shape[1], *config.hidden, data.n_classes), data.train, data.image_shape)


def point_of(typed: Sequence[str], config: Config, default: Config, data: Data) -> Point:
    """Return the run that is typed so, and has this configuration, on a data set."""
    known = len(data.train), data.default_val_size
    config = in_canonical_form(with_own_val_size(config, data), *known)
    this = identity(config, data.sha256)
    overrides = tuple(override for override in typed if Override.of(override).key not in NOT_KEPT)
    return Point(overrides, config, this, run_name(config, default, this), form_for(*known))


def _named_as_found(points: dict[str, Point], folder: Path, warn: Callable[[str], None]) -> dict[str, Point]:
    """Return the runs under the names that their directories have: an earlier release called some of them otherwise.

    Args:
        points: the runs, by the names that they would get.
        folder: the sweep's.
        warn: is told of runs that are done again because other code has made those that are there.
    """
    missing = {digest(point.identity): point for point in points.values() if not (folder / point.name).exists()}
    if not missing or not folder.is_dir():
        return points
    names = {point.name: point.name for point in points.values()}
    here, elsewhere, edited = numerics(), Counter[str](), Counter[str]()
    by_name = {
        digest(without_digests(identity)): identity for identity in (point.identity for point in missing.values())
    }
    for path in sorted(folder.iterdir()):
        if path.name in points or not (found := read_identity(path)):
            continue
        for form in {point.form for point in missing.values()}:
            if point := missing.get(digest(form(found))):
                names[point.name] = path.name
            elif digest(as_of_today(form(found)) | {"numerics": here}) in missing:
                elsewhere[str(found.get("numerics"))] += 1
            elif expected := by_name.get(digest(without_digests(form(found)))):
                edited[_changed_code(form(found), expected)] += 1
    for there, n in elsewhere.items():
        which = "1 run" if n == 1 else f"{n} runs"
        warn(f"{which} in {folder} were made by other code of npdigits ({there} there, {here} here): done anew beside")
    for code, n in edited.items():
        which = "1 run" if n == 1 else f"{n} runs"
        warn(f"{which} in {folder} were made by other code: the code of {code} has changed: done anew beside")
    return {names[name]: dataclasses.replace(point, name=names[name]) for name, point in points.items()}


def _changed_code(found: dict[str, Any], expected: dict[str, Any]) -> str:
    """Return the names of the own components whose code differs in two identities: "swish, top"."""
    names: dict[str, None] = {}
    for key in expected:
        if found[key] != expected[key]:
            values = expected[key] if isinstance(expected[key], list) else [expected[key]]
            names |= dict.fromkeys(map(name_of, values))
    return ", ".join(names)


def find_source(config: Config, report: Report) -> tuple[Data, Source]:
    """Load a data set as the configuration says, and return it with what a worker is to load."""
    data = load_data(config.data, config.data.name, config.data.fallback, report.warn)
    root = config.data.root_dir() or sets.data_root()
    chosen = config.data.from_anywhere() if config.data.own or config.data.name == FILE_DATA else None
    return data, Source(data.name, data.sha256, root, config.data.folder(), chosen)


@functools.cache
def load_source(source: Source) -> Data:
    """Load a data set once a process.

    Raises:
        DataError: what is found here is not what the launching process found.
    """
    if source.chosen:
        data = load_data(source.chosen, source.name, None, warn=lambda line: None)
    else:
        data = sets.load(source.name, root=source.root, folder=source.folder, fallback=None, warn=lambda line: None)
    if data.sha256 != source.sha256:
        raise DataError(f"data={source.name}: other digits than those that the sweep was begun with")
    return data
