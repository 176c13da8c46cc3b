"""A user's own function: read from its file once, hashed, and executed exactly as it was hashed.

It is named by its place: ``mine.py:swish``, ``folder/mine.py:swish``, or ``package.module:swish`` of what is installed.
The SHA-256 is of the file and of the local files that it imports (``local_imports``); of an installed package's module
it is of that file and of the distribution's name and version.
"""

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


@dataclass(frozen=True)
class OwnCode:
    """A function or class of the user's, with the sources that it depends on. It can be pickled: it holds no function.

    Attributes:
        spec: how it was named: "mine.py:swish".
        name: of the function: "swish".
        main: the file it stands in, by its name in ``files``.
        files: the file and the local files it imports: name below the folder that imports begin at -> content.
        place: where the file was read, for messages.
        distribution: the installed package that it belongs to, with its version; "" for a file of the user's.
        module: by which Python imports it, where it is installed; "" for what is executed from memory.
        trusted: whether it may be executed. What the user names is; what a run directory keeps is not by itself.
    """

    spec: str = field(compare=False)
    name: str
    main: str
    files: tuple[tuple[str, bytes], ...]
    place: str = field(default="", compare=False)
    distribution: str = ""
    module: str = field(default="", compare=False)
    trusted: bool = field(default=True, compare=False)

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
            near = [other for other in vars(module) if not other.startswith("_") and callable(getattr(module, other))]
            raise OwnCodeError(
                f"{self.spec}: {self.place or self.main} has no {wanted}; it has {', '.join(near) or '–'}"
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
                f"{self.place}: own code (SHA-256 {self.sha256}) that is not executed before you trust it: read it, "
                "then add --trust (in Python: trust=True)"
            )
        return _execute(self.files, self.main, self.place, self.distribution, self.module)


def read(spec: str) -> OwnCode:
    """Read own code by its name, from where the user stands; nothing of it is executed.

    Raises:
        OwnCodeError: it cannot be found or read.
    """
    where, _, name = spec.rpartition(":")
    if not NAME.fullmatch(name) or not where:
        raise OwnCodeError(f"{spec}: allowed is FILE.py:NAME or package.module:NAME")
    if where.endswith(".py") or "/" in where or os.sep in where:
        path = Path(where).expanduser()
        return _read_file(spec, name, path.absolute().parent, path.name)
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


def _read_file(spec: str, name: str, root: Path, main: str) -> OwnCode:
    try:
        files = local_imports.collect(root, main)
    except OSError as error:
        raise OwnCodeError(f"{spec}: {error.filename or root / main}: {error.strerror}") from error
    except (SyntaxError, ValueError) as error:
        raise OwnCodeError(f"{spec}: {_place_of(error, root / main)}: {on_one_line(error)}") from error
    return OwnCode(spec, name, main, tuple(files.items()), str(root / main))


def _place_of(error: Exception, path: Path) -> str:
    line = getattr(error, "lineno", None)
    return f"{getattr(error, 'filename', None) or path}, line {line}" if line else str(path)


def _read_module(spec: str, name: str, module: str) -> OwnCode:
    """Read a module that Python finds: an installed package's file alone, or the user's with what it imports."""
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError) as error:
        raise OwnCodeError(f"{spec}: {on_one_line(error)}") from error
    if found is None:
        hint = f"; did you mean {module}.py:{name}?" if Path(f"{module}.py").is_file() else ""
        raise OwnCodeError(f"{spec}: there is no module {module}{hint}")
    if not found.origin or not found.origin.endswith(".py"):
        raise OwnCodeError(f"{spec}: {module} has no readable source, so it cannot be hashed")
    path = Path(found.origin)
    parts = module.split(".")
    main = "/".join(parts) + ("/__init__.py" if path.name == "__init__.py" else ".py")
    root = path.parents[main.count("/")]
    if distribution := _distribution_of(parts[0], path):
        return OwnCode(spec, name, main, ((main, path.read_bytes()),), str(path), distribution, module)
    return _read_file(spec, name, root, main)


def _distribution_of(top: str, path: Path) -> str:
    """Return "name version" of the installed distribution that a file belongs to; "" if it is none's."""
    from importlib import metadata

    if not {"site-packages", "dist-packages"} & set(path.parts):
        return f"Python {sysconfig.get_python_version()}" if path.is_relative_to(sysconfig.get_path("stdlib")) else ""
    for name in metadata.packages_distributions().get(top, []):
        return f"{name} {metadata.version(name)}"
    return ""


@functools.lru_cache(maxsize=64)
def _execute(files: tuple[tuple[str, bytes], ...], main: str, place: str, distribution: str, module: str) -> Any:
    """Execute the sources once a process; return the main file's module."""
    if not module:
        return own_module.execute(dict(files), main, place, bool(distribution))
    try:
        return importlib.import_module(module)
    except Exception as error:
        raise OwnCodeError(f"{place}: {own_module.where_it_failed(error)}") from error
