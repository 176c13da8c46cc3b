"""Executing a user's sources from memory: exactly the bytes that were hashed, whatever lies on the disk meanwhile.

The modules are not entered into ``sys.modules``, so that two versions of one file can stand side by side, as those of
two runs do. Imports among the sources lead to each other; all others are Python's own.
"""

import builtins
import importlib.util
import linecache
import sysconfig
import traceback
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from npdigits.base.errors import OwnCodeError
from npdigits.base.local_imports import module_name, package_of
from npdigits.base.text import on_one_line


class _Modules:
    """The modules of some sources, each executed when it is first imported."""

    def __init__(self, files: Mapping[str, bytes], folder: Path, installed: bool) -> None:
        self._files = {module_name(file): (file, content) for file, content in files.items()}
        self._folder, self._installed = folder, installed
        self._loaded: dict[str, types.ModuleType] = {}

    def load(self, name: str) -> types.ModuleType:
        """Return a module, which is executed if it was not yet."""
        if name in self._loaded:
            return self._loaded[name]
        file, content = self._files[name]
        module = types.ModuleType(name)
        module.__file__ = str(self._folder / file)
        is_package = file.endswith("__init__.py")
        module.__package__ = name if is_package else package_of(file)
        if is_package:
            module.__path__ = []
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._import}
        self._loaded[name] = module
        # Tracebacks show what is executed, not what the file has become since.
        lines = content.decode("utf-8", "replace").splitlines(keepends=True)
        linecache.cache[module.__file__] = (len(content), None, lines, module.__file__)
        try:
            exec(compile(content, module.__file__, "exec"), module.__dict__)
        except BaseException:
            del self._loaded[name]
            raise
        return module

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> Any:
        """Do what an ``import`` statement in the sources asks for, as ``builtins.__import__`` would."""
        package = (globals or {}).get("__package__") or ""
        absolute = importlib.util.resolve_name("." * level + name, package) if level else name
        if self._installed or not self._knows(absolute):
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        module = self._load_with_parents(absolute)
        if not fromlist:
            return self._loaded[absolute.partition(".")[0]]
        for item in fromlist:
            if not hasattr(module, item) and f"{absolute}.{item}" in self._files:
                setattr(module, item, self.load(f"{absolute}.{item}"))
        return module

    def _knows(self, name: str) -> bool:
        top = name.partition(".")[0]
        return any(known.partition(".")[0] == top for known in self._files)

    def _load_with_parents(self, name: str) -> types.ModuleType:
        module: types.ModuleType | None = None
        parts = name.split(".")
        for n in range(1, len(parts) + 1):
            path = ".".join(parts[:n])
            if path in self._files:
                inner = self.load(path)
            elif any(known.startswith(f"{path}.") for known in self._files):  # a folder without __init__.py
                inner = self._loaded.setdefault(path, types.ModuleType(path))
            else:
                raise ModuleNotFoundError(f"No module named {path!r}", name=path)
            if module is not None:
                setattr(module, parts[n - 1], inner)
            module = inner
        assert module is not None
        return module


def execute(files: Mapping[str, bytes], main: str, place: str, installed: bool) -> types.ModuleType:
    """Execute a file, and of the others those that it imports; return its module.

    Args:
        files: name -> content.
        main: the name of the file.
        place: where the file was read, for tracebacks.
        installed: whether it belongs to an installed package, whose other modules are Python's to find.

    Raises:
        OwnCodeError: the code fails.
    """
    folder = Path(place).parents[main.count("/")] if place else Path()
    try:
        return _Modules(files, folder, installed).load(module_name(main))
    except (Exception, SystemExit) as error:
        raise OwnCodeError(f"{place or main}: {where_it_failed(error, place)}") from error


def where_it_failed(error: BaseException, main: str = "") -> str:
    """Return the user's line that an error came through last, and the error: "line 3: NameError: …".

    Args:
        error: as raised by the user's code.
        main: the path of the file that is named already; a line of another one is told with its name.
    """
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: SyntaxError: {error.msg}"
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)]
    if not own:
        return on_one_line(error)
    file = "" if not main or own[-1].filename == main else f"{Path(own[-1].filename).name}, "
    return f"{file}line {own[-1].lineno}: {on_one_line(error)}"


def _is_users(file: str) -> bool:
    """Say whether a file is neither npdigits' nor Python's nor an installed package's."""
    others = (str(Path(__file__).parents[1]), sysconfig.get_path("stdlib"), "<")
    return not file.startswith(others) and not {"site-packages", "dist-packages"} & set(Path(file).parts)
