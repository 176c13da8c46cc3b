"""Damage to run directories, drawn by hypothesis over what their files hold; ``hostile.py`` shows it to every program.

All of it is harmless to other software: our own guards are what is tested. Where a digest or a recorded size protects
a file, the damaged one is sealed again, so that the value itself is reached.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from made import Array

from npdigits.base.npz import hash_arrays, npz, read_npz
from npdigits.config.identity import digest
from npdigits.runs.layout import RESULTS, result_sizes

SPARSE = 5 * 2**30
DEEP = "[" * 5000 + "]" * 5000
# Stands for a value until the text around it is made.
PLACE = "hostile-value-stands-here"
TEXTS = {
    **{"escape": "\x1b[31mred\x1b[0m", "c1 control": "\x9b31mred", "bidi": "\u202egnp.exe", "newline": "a\nb\r\nc"},
    **{
        "mathtext": "$\\frac{",
        "dollars": "$x$ $$",
        "formula": "=1+1",
        "at": "@SUM(A1)",
        "minus": "-1+1",
        "tab": "\t=1",
    },
    **{"html": "</script><b>&amp;", "nul": "a\0b", "surrogate": "\ud800", "climbing": "../../x", "no text": ""},
    **{"long text": "x" * 200_000, "a word": "digits", "latex": "\\input{x} % _ ^ #", "nan as text": "nan"},
}
# Kind -> a value as JSON.
JSON: dict[str, str] = {
    **{kind: json.dumps(text) for kind, text in TEXTS.items()},
    **{"huge": str(10**400), "huge negative": str(-(10**400)), "large float": "1e308", "beyond float": "1e999"},
    **{"nan": "NaN", "infinity": "Infinity", "minus infinity": "-Infinity", "minus zero": "-0.0", "negative": "-1"},
    **{"zero": "0", "fraction": "1.5", "true": "true", "null": "null", "list": "[1, 2]", "no list": "[]"},
    **{"table": '{"a": {}}', "no table": "{}", "list of texts": '["a", "\\u001b[0m"]', "brackets": DEEP},
    **{"list of lists": "[[[1]], null]", "digits": "9" * 4000, "int64": str(2**63), "large": str(2**31)},
}
# Aliases in aliases: more nodes than there is text, yet few enough for anybody.
ALIASES = "{a: &a [1,1,1,1,1,1,1,1,1,1], b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a], c: [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]}"
YAML: dict[str, str] = {
    **{kind: value for kind, value in JSON.items() if kind not in ("brackets", "surrogate")},
    **{"aliases": ALIASES, "itself": "&i [*i]", "no such alias": "*nowhere", "few brackets": "[" * 300 + "]" * 300},
    **{"tag": "!!python/object/apply:os.getcwd []", "own tag": "!mine 1", "binary": "!!binary aGFsbG8="},
    **{"set": "!!set {a}", "sixty": "1:30", "merge": "{<<: {a: 1}}", "date": "2001-01-01", "no end": "[1, 2"},
    **{"yaml nan": ".nan", "documents": "1\n---\n2"},
}
CELLS: dict[str, str] = {
    **{kind: text for kind, text in TEXTS.items() if kind != "surrogate"},
    **{"nan": "nan", "infinity": "inf", "beyond float": "1e999", "negative": "-1", "huge": str(10**400)},
    **{
        "digits": "9" * 5000,
        "quote": '"',
        "comma": "1,2",
        "fraction": "1.5",
        "minus zero": "-0.0",
        "large": str(2**31),
    },
}
ARRAYS: dict[str, Callable[[Array], Array]] = {
    "complex": lambda a: _numbers(a).astype(np.complex64),
    "texts": lambda a: np.full(a.shape, "\x1b[0m"),
    "structured": lambda a: np.zeros(a.shape, [("a", "f4"), ("b", "i2")]),
    "0-d": lambda _: np.array(3.0, np.float32),
    "empty": lambda a: np.zeros((0, *a.shape[1:]), a.dtype),
    "no columns": lambda a: a.reshape(*a.shape, 1)[..., :0],
    "big-endian": lambda a: _numbers(a).astype(">f4"),
    "float16": lambda a: _numbers(a).astype(np.float16),
    "float64": lambda a: _numbers(a).astype(np.float64),
    "bool": lambda a: a.astype(bool),
    "int64 out of range": lambda a: np.full(a.shape, 2**62),
    "negative": lambda a: np.full(a.shape, -1, np.int64),
    "uint64": lambda a: np.full(a.shape, 2**64 - 1, np.uint64),
    "nan": lambda a: np.full(a.shape, np.nan, np.float32),
    "infinity": lambda a: np.full(a.shape, np.inf, np.float32),
    "largest": lambda a: np.full(a.shape, 3e38, np.float32),
    "all 255": lambda a: np.full(a.shape, 255, np.uint8),
    "dates": lambda a: np.full(a.shape, np.datetime64("2001-01-01")),
    "another axis": lambda a: a[None],
    "flat": lambda a: a.reshape(-1),
    "transposed": lambda a: a.T,
    "shorter": lambda a: a[: len(a) // 2] if a.ndim else a,
    "longer": lambda a: np.concatenate([a, a]) if a.ndim else a,
    "zeros": np.zeros_like,
}
WHOLE = (
    *("truncated", "bits flipped", "empty file", "missing", "folder", "pipe", "link to itself", "link elsewhere"),
    *("sparse", "random bytes", "other encoding", "no utf-8", "only brackets", "null", "list", "bom", "newlines"),
)
OTHERS = ("train.log", "sweep.csv", "plots", "code", "checkpoints/previous.npz", "checkpoints", "distorted.npz")


def _numbers(array: Array) -> Array:
    """Return an array as real numbers, whatever an earlier damage made of it."""
    return array if array.dtype.kind in "biuf" else np.zeros(array.shape, np.float32)


def files_of(run: Path) -> list[str]:
    """Return the names of a run's files, and of places where a file or folder may lie."""
    found = sorted(path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())
    return [*(name for name in found if not name.endswith(".png") and not name.startswith(".")), *OTHERS]


@st.composite
def damages(draw: st.DrawFn, run: Path, most: int = 3) -> list[tuple[str, str]]:
    """Damage one to ``most`` files of a run directory where it lies; return (file, kind) of each."""
    names = files_of(run)
    # The files that say most are damaged most.
    often = [name for name in names if name.endswith((".json", ".yaml", ".npz", "metrics.csv"))]
    chosen = draw(st.lists(st.sampled_from([*often * 2, *names]), min_size=1, max_size=most, unique=True))
    done = [(name, _damage(draw, run, name)) for name in chosen]
    if draw(st.integers(0, 9)) < 8:
        seal(run)
    return done


def _damage(draw: st.DrawFn, run: Path, name: str) -> str:
    path = run / name
    by_suffix = {".json": _json_file, ".yaml": _yaml_file, ".csv": _csv_file, ".npz": _npz_file}
    inside = by_suffix.get(path.suffix)
    if inside is not None and _is_small(path) and draw(st.integers(0, 3)):
        return inside(draw, path)
    kind = draw(st.sampled_from(WHOLE))
    return f"file: {kind}" if damage_whole(draw, path, kind) else "file: untouched"


def damage_whole(draw: st.DrawFn, path: Path, kind: str) -> bool:
    """Damage a file as a whole; say whether there was something to damage."""
    if not os.path.lexists(path.parent):
        path.parent.mkdir()
    if path.parent.is_symlink() or not path.parent.is_dir():
        return False
    content = path.read_bytes() if _is_small(path) else b""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind.startswith("link"):
        path.symlink_to(path.name if kind == "link to itself" else "/dev/null")
    elif kind == "sparse":
        with path.open("wb") as file:
            file.truncate(SPARSE)
    elif kind != "missing":
        path.write_bytes(_other_content(draw, content, kind))
    return True


def _other_content(draw: st.DrawFn, content: bytes, kind: str) -> bytes:
    if kind == "truncated":
        return content[: draw(st.integers(0, len(content)))]
    if kind == "bits flipped":
        flipped = bytearray(content or b"\0")
        for bit in draw(st.lists(st.integers(0, 8 * len(flipped) - 1), min_size=1, max_size=8)):
            flipped[bit // 8] ^= 1 << bit % 8
        return bytes(flipped)
    others = {
        **{"empty file": b"", "random bytes": draw(st.binary(max_size=200)), "only brackets": DEEP.encode()},
        **{"other encoding": content.decode("latin-1").encode("utf-16"), "no utf-8": b"\xff" + content},
        **{"null": b"null", "list": b"[1]", "bom": b"\xef\xbb\xbf" + content, "newlines": b"\n" * 1_000_000},
    }
    return others[kind]


def _json_file(draw: st.DrawFn, path: Path) -> str:
    try:
        text, kind = damaged_json(draw, path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return "damaged before"
    path.write_text(text, encoding="utf-8")
    return kind


def damaged_json(draw: st.DrawFn, text: str) -> tuple[str, str]:
    """Return a JSON table with one value replaced, missing or there twice, and what was done.

    Raises:
        ValueError: it is none.
    """
    table = json.loads(text)
    inner: Any = table
    if not isinstance(table, dict) or not table:
        raise ValueError("no table")
    key: Any = draw(st.sampled_from(sorted(table)))
    names = [key]
    while isinstance(inner[key], dict | list) and inner[key] and draw(st.booleans()):
        inner = inner[key]
        key = draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner))))
        names.append(str(key))
    kind = draw(st.sampled_from([*JSON, "missing key", "there twice", "drawn", "renamed"]))
    value = JSON.get(kind, "[]")
    if kind == "drawn":
        leaves = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=5)
        grown = st.recursive(leaves, lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(max_size=3), of))
        value = json.dumps(draw(grown))
    if kind == "missing key":
        del inner[key]
    elif kind == "renamed" and isinstance(inner, dict):
        inner[draw(st.sampled_from([*TEXTS.values()]))] = inner.pop(key)
    elif kind != "there twice":
        inner[key] = PLACE
    written = json.dumps(table).replace(json.dumps(PLACE), value)
    if kind == "there twice":
        written = f"{{{json.dumps(names[0])}: {draw(st.sampled_from([*JSON.values()]))}, {written[1:]}"
    return written, f"{'.'.join(names)}: {kind}"


def _yaml_file(draw: st.DrawFn, path: Path) -> str:
    lines = path.read_bytes().decode("utf-8", "replace").splitlines()
    starts = [index for index, line in enumerate(lines) if line[:1].strip()]
    if not starts:
        return "damaged before"
    start = draw(st.sampled_from(starts))
    key = lines[start].partition(":")[0] if ":" in lines[start] else "-"
    kind = draw(st.sampled_from([*YAML, "missing key", "there twice", "another key"]))
    value = YAML.get(kind, "1")
    end = next((index for index in starts if index > start), len(lines))
    put = [] if kind == "missing key" else [f"{key}: {value}" if key != "-" else f"- {value}"]
    if kind == "another key":
        put = [*lines[start:end], "hostile: 1"]
    path.write_text("\n".join([*lines[:start], *put, *lines[start if kind == "there twice" else end :]]), "utf-8")
    return f"{key[:20]}: {kind}"


def _csv_file(draw: st.DrawFn, path: Path) -> str:
    text, kind = damaged_csv(draw, path.read_bytes().decode("utf-8", "replace"))
    path.write_bytes(text.encode())
    return kind


def damaged_csv(draw: st.DrawFn, text: str) -> tuple[str, str]:
    """Return a table with one cell, row or column damaged, and what was done."""
    rows = [line.split(",") for line in text.splitlines()] or [[""]]
    row = draw(st.integers(0, len(rows) - 1))
    column = draw(st.integers(0, len(rows[row]) - 1))
    kind = draw(st.sampled_from([*CELLS, "row missing", "row twice", "cell missing", "column missing"]))
    if kind == "row missing":
        del rows[row]
    elif kind == "row twice":
        rows.insert(row, rows[row])
    elif kind == "cell missing":
        del rows[row][column]
    elif kind == "column missing":
        rows = [[*cells[:column], *cells[column + 1 :]] for cells in rows]
    else:
        rows[row][column] = CELLS[kind]
    return "".join(",".join(cells) + "\n" for cells in rows), f"cell {row},{column}: {kind}"


def _npz_file(draw: st.DrawFn, path: Path) -> str:
    try:
        arrays = read_npz(path)
    except (OSError, ValueError):
        return "damaged before"
    name = draw(st.sampled_from(sorted(arrays)))
    kind = draw(st.sampled_from([*ARRAYS, "array missing", "another array", "packed"]))
    if name in ("header", "metrics") and draw(st.integers(0, 3)):
        inside = damaged_json if name == "header" else damaged_csv
        try:
            text, kind = inside(draw, arrays[name].tobytes().decode("utf-8", "replace"))
            arrays[name] = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
        except (ValueError, RecursionError):
            kind = "damaged before"
    elif kind == "array missing":
        del arrays[name]
    elif kind == "another array":
        arrays["another"] = np.ones(3)
    elif kind in ARRAYS:
        arrays[name] = ARRAYS[kind](arrays[name])
    if "sha256" in arrays and all(array.dtype.kind != "M" for array in arrays.values()):  # no digest is of dates
        del arrays["sha256"]
        arrays["sha256"] = np.frombuffer(bytes.fromhex(hash_arrays(arrays)), np.uint8)
    if kind == "packed":
        np.savez_compressed(path, **arrays)
    else:
        path.write_bytes(npz(arrays))
    return f"{name}: {kind}"


def seal(run: Path) -> None:
    """Write the digest of the identity and the sizes of the files into summary.json, as if they had been made so."""
    try:
        summary = json.loads((run / "summary.json").read_text()) if _is_small(run / "summary.json") else None
        identity = json.loads((run / "identity.json").read_text()) if _is_small(run / "identity.json") else None
        if not isinstance(summary, dict):
            return
        if isinstance(identity, dict):
            summary["identity"] = digest(identity)
        if isinstance(summary.get("sizes"), dict):
            summary["sizes"] |= {name: size for name, size in result_sizes(run).items() if name in RESULTS}
        (run / "summary.json").write_text(json.dumps(summary))
    except (OSError, ValueError, RecursionError, TypeError, AttributeError):
        return


def _is_small(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_size < 2**24
