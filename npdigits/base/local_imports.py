"""Which local files a Python file imports, so that what a function depends on can be hashed and kept.

Only ``import`` statements count, wherever they stand. What is found otherwise (``importlib``, files that are read while
the code runs, compiled extensions) is not seen.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def collect(root: Path, main: str) -> dict[str, bytes]:
    """Return a file and the local files that it imports, directly or not: name below ``root`` -> content, sorted.

    Args:
        root: the folder that imports begin at.
        main: the file's name below it: "mine.py", "package/module.py".

    Raises:
        OSError: a file cannot be read.
        SyntaxError: one is not Python.
    """
    found: dict[str, bytes] = {}
    waiting = [main]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = (root / name).read_bytes()
        for module in _imported(found[name], name):
            waiting += _files_of(root, module)
    return dict(sorted(found.items()))


def levels_above(path: Path) -> int:
    """Return how many folders above its own the imports of a file begin at: 0, or as its relative imports say."""
    try:
        nodes = ast.walk(ast.parse(path.read_bytes()))
        return max((node.level for node in nodes if isinstance(node, ast.ImportFrom)), default=0)
    except (OSError, SyntaxError, ValueError):  # said when the file is read
        return 0


def module_name(file: str) -> str:
    """Return the module that a file is: "a/b.py" is a.b, "a/__init__.py" is a."""
    path = PurePosixPath(file)
    parts = path.parts[:-1] if path.name == "__init__.py" else path.with_suffix("").parts
    return ".".join(parts)


def package_of(file: str) -> str:
    """Return the package that relative imports in a file begin at."""
    return ".".join(PurePosixPath(file).parts[:-1])


def _imported(source: bytes, file: str) -> Iterator[str]:
    """Yield the absolute names of the modules that a source may import."""
    package = package_of(file)
    for node in ast.walk(ast.parse(source, file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".") if package and node.level else []
            above = parts[: len(parts) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" if base else alias.name for alias in node.names)


def _files_of(root: Path, module: str) -> Iterator[str]:
    """Yield the files below ``root`` that an import of a module executes: its packages', and its own."""
    parts = module.split(".")
    if not module or parts[0] in sys.builtin_module_names:
        return
    for n in range(1, len(parts) + 1):
        path = PurePosixPath(*parts[:n])
        for name in (f"{path}/__init__.py", f"{path}.py"):
            if (root / name).is_file():
                yield name
                break
