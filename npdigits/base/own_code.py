"""A user's own function: read from its file once, hashed, and executed exactly as it was hashed.

It is named by its place: ``mine.py:swish``, ``folder/mine.py:swish``, or ``package.module:swish`` of what is installed.
The SHA-256 is of the file and of the local files that it imports (``local_imports``); of an installed package's module
it is of that file and of the distribution's name and version.
"""

import difflib
import functools
import hashlib
import importlib
import importlib.util
import inspect
import json
import os
import re
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from npdigits.base import local_imports, own_module
from npdigits.base.errors import OwnCodeError, UntrustedError
from npdigits.base.text import on_one_line

NAME = re.compile(r"[A-Za-z_]\w*")
MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
# So many of a file's functions are named where the one that is wanted is missing.
MOST_NAMED = 6


@dataclass(frozen=True)
class OwnCode:
    """A function or class of the user's, with the sources that it depends on. It can be pickled: it holds no function.

    Attributes:
        spec: how it was named: "mine.py:swish".
        name: of the function: "swish".
        main: the file it stands in, by its name in ``files``.
        files: the file and the local files it imports: name below the folder that imports begin at -> content.
        place: where the file was read, for messages.
        distribution: the package that it belongs to, with its version; "" for a file of none.
        installed: whether that package is installed, so that its other modules are Python's to find.
        module: by which Python imports what is installed; "" for what is executed from memory.
        trusted: whether it may be executed. What the user names is; what a run directory keeps is not by itself.
        beside: of what a run directory keeps, all files with their SHA-256, for the message.
    """

    spec: str = field(compare=False)
    name: str
    main: str
    files: tuple[tuple[str, bytes], ...]
    place: str = field(default="", compare=False)
    distribution: str = ""
    installed: bool = False
    module: str = field(default="", compare=False)
    trusted: bool = field(default=True, compare=False)
    beside: str = field(default="", compare=False)

    @functools.cached_property
    def sha256(self) -> str:
        """The SHA-256 of all sources, in hex. The main file's own name does not count."""
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in self.files}
        own = hashes.pop(self.main)
        parts = [own, sorted(hashes.items()), self.distribution]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @property
    def marked(self) -> str:
        """The name and the digest: "swish@3fa2…", as an identity holds it."""
        return f"{self.name}@{self.sha256}"

    def load(self, name: str | None = None) -> Any:
        """Return the function, or another one of its file. The code is executed at the first call in a process.

        Raises:
            UntrustedError: it may not be executed.
            OwnCodeError: the code fails, or has no such function.
        """
        module = self._module()
        wanted = name or self.name
        if not hasattr(module, wanted):
            raise OwnCodeError(
                f"{self.spec}: {self.place or self.main} has no {wanted}; {_what_it_has(module, wanted)}"
            )
        return getattr(module, wanted)

    def has(self, name: str) -> bool:
        """Say whether the file has something of this name.

        Raises:
            UntrustedError, OwnCodeError: as ``load``.
        """
        return hasattr(self._module(), name)

    def _module(self) -> Any:
        if not self.trusted:
            raise UntrustedError(
                f"{self.beside or f'{self.place} (SHA-256 {self.sha256})'}: own code that is not executed before you "
                "trust it: read it, then add --trust (in Python: trust=True)"
            )
        return _execute(self.files, self.main, self.place, self.installed, self.module)


def read(spec: str) -> OwnCode:
    """Read own code by its name, from where the user stands; nothing of it is executed.

    Raises:
        OwnCodeError: it cannot be found or read.
    """
    where, _, name = spec.rpartition(":")
    is_file = where.endswith(".py") or "/" in where or os.sep in where
    if not NAME.fullmatch(name) or not (is_file or MODULE.fullmatch(where)) or Path(where).is_file() > is_file:
        raise OwnCodeError(f"{spec}: allowed is FILE.py:NAME or package.module:NAME")
    if is_file:
        path = Path(where).expanduser().absolute()
        above = min(local_imports.levels_above(path), len(path.parents) - 1)
        return _read_file(spec, name, path.parents[above], path.relative_to(path.parents[above]).as_posix())
    return _read_module(spec, name, where)


def of_function(function: Callable[..., Any]) -> OwnCode:
    """Return the own code that a function or class is, which Python has imported already.

    Raises:
        OwnCodeError: its source is not a file, or is another by now.
    """
    name = getattr(function, "__qualname__", repr(function))
    way_out = "put it into a file of its own and name it as FILE.py:NAME"
    if not NAME.fullmatch(name):  # a lambda, a function within another
        raise OwnCodeError(f"{name}: is no function of a file's own level, so its code cannot be hashed; {way_out}")
    try:
        file = inspect.getsourcefile(function)
    except TypeError:
        file = None
    if not file or not Path(file).is_file():
        raise OwnCodeError(f"{name}: its source is no file (a notebook's cell?), so it cannot be hashed; {way_out}")
    code = read(f"{file}:{name}")
    if _compiled(code.load()) != _compiled(function):
        raise OwnCodeError(
            f"{name}: is not what {file} holds now: it was changed since, or is made otherwise; {way_out}"
        )
    return code


def _compiled(function: Any) -> list[Any]:
    """Return the code of a function, or of all methods of a class, as it was compiled."""
    parts = [*vars(function).values()] if isinstance(function, type) else [function]
    return [part.__code__ for part in parts if hasattr(part, "__code__")]


def _what_it_has(module: Any, wanted: str) -> str:
    """Return what a module has in the place of what was wanted: the nearest name, or some."""
    names = [name for name in vars(module) if not name.startswith(("_", "d_")) and callable(getattr(module, name))]
    if near := difflib.get_close_matches(wanted, names, n=1):
        return f"did you mean {near[0]}?"
    return f"it has {', '.join(names[:MOST_NAMED]) or 'no function'}{' and more' * (len(names) > MOST_NAMED)}"


def _read_file(spec: str, name: str, root: Path, main: str, distribution: str = "") -> OwnCode:
    try:
        files = local_imports.collect(root, main)
    except OSError as error:
        raise OwnCodeError(f"{spec}: {error.filename or root / main}: {error.strerror}") from error
    except (SyntaxError, ValueError) as error:
        raise OwnCodeError(f"{spec}: {_place_of(error, root / main)}: {on_one_line(error)}") from error
    return OwnCode(spec, name, main, tuple(files.items()), str(root / main), distribution)


def _place_of(error: Exception, path: Path) -> str:
    line = getattr(error, "lineno", None)
    return f"{getattr(error, 'filename', None) or path}, line {line}" if line else str(path)


def _read_module(spec: str, name: str, module: str) -> OwnCode:
    """Read a module that Python finds: an installed package's file alone, or the user's with what it imports."""
    parts = module.split(".")
    beside = Path.cwd()
    for main in ("/".join(parts) + ".py", "/".join(parts) + "/__init__.py"):
        if (beside / main).is_file():  # whatever Python itself would find, as for FILE.py
            return _read_file(spec, name, beside, main)
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError) as error:
        raise OwnCodeError(f"{spec}: {on_one_line(error)}") from error
    if found is None:
        raise OwnCodeError(f"{spec}: there is no module {module}, neither here nor where Python looks")
    if not found.origin or not found.origin.endswith(".py"):
        raise OwnCodeError(f"{spec}: {module} has no readable source, so it cannot be hashed")
    path = Path(found.origin)
    main = "/".join(parts) + ("/__init__.py" if path.name == "__init__.py" else ".py")
    root = path.parents[main.count("/")]
    distribution, installed = _distribution_of(parts[0], path)
    if installed:
        files = ((main, path.read_bytes()),)
        return OwnCode(spec, name, main, files, str(path), distribution, installed=True, module=module)
    return _read_file(spec, name, root, main, distribution)


def _distribution_of(top: str, path: Path) -> tuple[str, bool]:
    """Return "name version" of the distribution that a file belongs to, "" for none; and whether it is installed.

    One that is installed to be edited is not: its files change without its version.
    """
    from importlib import metadata

    installed = bool({"site-packages", "dist-packages"} & set(path.parts))
    if not installed and path.is_relative_to(sysconfig.get_path("stdlib")):
        return f"Python {sysconfig.get_python_version()}", True
    for name in metadata.packages_distributions().get(top, []):
        return f"{name} {metadata.version(name)}", installed
    return "", False


@functools.lru_cache(maxsize=64)
def _execute(files: tuple[tuple[str, bytes], ...], main: str, place: str, installed: bool, module: str) -> Any:
    """Execute the sources once a process; return the main file's module."""
    if not module:
        return own_module.execute(dict(files), main, place, installed)
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise OwnCodeError(f"{place}: {own_module.where_it_failed(error)}") from error
