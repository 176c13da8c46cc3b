"""Modules under the names that they had before the packages were made.

``import npdigits.network`` finds today's module, and so do pickles of version 0.1. The documented API goes on
(``npdigits.cli.compose``, ``npdigits.train.run``); other functions and classes may have another name or module today.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

# name in version 0.1 -> today's
NAMES = {
    "errors": "base.errors",
    "files": "base.files",
    "paths": "base.paths",
    "clock": "base.clock",
    "interruption": "base.interruption",
    "memory": "base.arrays",
    "streams": "base.random",
    "blas": "base.blas",
    "cores": "base.cores",
    "program": "base.program",
    "targets": "base.targets",
    "spreadsheet": "base.spreadsheet",
    "pages": "base.pages",
    "canvas": "base.canvas",
    "activations": "nn.activations",
    "costs": "nn.costs",
    "initializers": "nn.initializers",
    "optimizers": "nn.optimizers",
    "schedules": "nn.schedules",
    "dropout": "nn.dropout",
    "max_norm": "nn.max_norm",
    "network": "nn.network",
    "products": "nn.matmul",
    "idx": "data.idx",
    "cache": "data.cache",
    "download": "data.download",
    "augmentation": "data.augmentation",
    "mnist_form": "pictures.mnist_form",
    "pieces": "pictures.components",
    "forming": "pictures.pool",
    "shades": "pictures.shades",
    "trainer": "training.loop",
    "passes": "training.passes",
    "state": "training.state",
    "stopping": "training.stopping",
    "team": "training.workers",
    "sharing": "training.work_split",
    "rules": "config.rules",
    "overrides": "config.reading",
    "axes": "config.grammar",
    "assembly": "config.build",
    "identity": "config.identity",
    "cli": "config.compose",
    "sweeper": "config.grid",
    "rundir": "runs.directory",
    "hold": "runs.hold",
    "checkpoint": "runs.checkpoint",
    "metrics": "runs.metrics",
    "resumption": "runs.resume",
    "environment": "runs.environment",
    "report": "runs.report",
    "outcome": "runs.results",
    "trained": "runs.trained",
    "compare.find": "runs.find",
    "compare.runs": "runs.table",
    "multirun": "sweeps.sweep",
    "sweep": "sweeps.points",
    "launcher": "sweeps.launcher",
    "cluster": "sweeps.cluster",
    "local_cluster": "sweeps.local_cluster",
    "worker": "sweeps.worker",
    "progress": "sweeps.progress",
}


class Finder:
    """Finds a module by its former name; asked last, and so only of names that no file has."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return how to import it; None for every other name."""
        package, _, former = name.partition(".")
        if package != "npdigits" or former not in NAMES:
            return None
        return spec_from_loader(name, _Moved(f"npdigits.{NAMES[former]}"))  # type: ignore[arg-type]


class _Moved:
    """Has a module that is imported under today's name stand under the former one as well: one module, two names."""

    def __init__(self, today: str) -> None:
        self._today = today

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._today)
        self._own = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._own  # which the import has replaced by the former name's


def install() -> None:
    """Let former names be found."""
    if Finder not in sys.meta_path:
        sys.meta_path.append(Finder)
