"""What tests are fed with: small sets of synthetic digits, MNIST's original files, and Python processes."""

import dataclasses
import gzip
import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import npdigits
from npdigits.base.npz import hash_arrays
from npdigits.data.sets import Data, make_data

Array = np.ndarray[Any, np.dtype[Any]]
Half = tuple[Array, Array]
REPOSITORY = Path(__file__).resolve().parents[1]
NAMES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def read_summary(path: Path) -> dict[str, Any]:
    """Return what a run directory's summary.json says, as it stands there."""
    summary: dict[str, Any] = json.loads((path / "summary.json").read_text(encoding="utf-8"))
    return summary


def digits(n: int, shape: tuple[int, int] = (8, 7), classes: int = 10, seed: int = 0) -> Half:
    """Return n noisy pictures of ``classes`` fixed patterns, and their labels: easily learned."""
    patterns = np.random.default_rng(7).integers(0, 2, (classes, *shape)) * 200
    rng = np.random.default_rng([seed, n])
    labels = rng.permutation(np.arange(n) % classes)
    return (patterns[labels] + rng.integers(0, 56, (n, *shape))).astype(np.uint8), labels.astype(np.uint8)


def made_data(
    train: int = 600,
    test: int = 100,
    shape: tuple[int, int] = (8, 7),
    classes: int = 10,
    dtype: str = "uint8",
    **more: Any,
) -> Data:
    """Return a data set of ``digits`` without files; floats have decimals, and ``more`` are other fields of it."""
    arrays: dict[str, Array] = {}
    for half, n, seed in (("train", train, 5), ("test", test, 4)):
        patterns = np.random.default_rng(7).integers(0, 2, (classes, *shape)) * 200
        rng = np.random.default_rng([seed, n])
        labels = rng.permutation(np.arange(n) % classes)
        images = patterns[labels] + rng.integers(0, 54, (n, *shape)) + (0.5 if dtype != "uint8" else 0)
        arrays |= {f"{half}_images": images.astype(dtype), f"{half}_labels": labels}
    return dataclasses.replace(make_data("made", hash_arrays(arrays), arrays), **more)


def idx_bytes(array: Array) -> bytes:
    """Return an array of bytes as the content of an IDX file."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(path: Path, content: bytes | Array) -> Path:
    """Write an IDX file, as .gz where the name ends so; bytes are written as they are, well formed or not."""
    raw = content if isinstance(content, bytes) else idx_bytes(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(raw, mtime=0) if path.suffix == ".gz" else raw)
    return path


def write_set(folder: Path, train: int | Half = 600, test: int | Half = 100, packed: bool = False) -> Path:
    """Write the four files of a data set, a number standing for that many ``digits``; return the folder."""
    for half, content in (("train", train), ("test", test)):
        arrays = digits(content, seed=len(half)) if isinstance(content, int) else content
        for name, array in zip(NAMES[half], arrays, strict=True):
            write_idx(folder / (f"{name}.gz" if packed else name), array)
    return folder


def original_files() -> tuple[Path, list[str]]:
    """Return the root that should hold MNIST's original files, and which of them are missing there."""
    root = Path(os.environ.get("NPDIGITS_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    files = [f"{name}.gz" for names in NAMES.values() for name in names]
    return root, [file for file in files if not (root / "MNIST" / "raw" / file).is_file()]


def start_python(code: str, *arguments: Any) -> subprocess.Popen[str]:
    """Start a Python process that imports the same npdigits as the tests do, wherever it runs."""
    path = [str(Path(npdigits.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output_of(process: subprocess.Popen[str]) -> str:
    """Wait for a process and return what it printed; its failure is the test's."""
    return outputs_of(process)[0]


def outputs_of(*processes: subprocess.Popen[str]) -> list[str]:
    """Wait for all of several processes, then as ``output_of``."""
    said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), said
    return [out.strip() for out, _ in said]
