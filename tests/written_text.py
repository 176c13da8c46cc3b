"""Tables of digits as text, written by the libraries that people use, as they are found in the wild."""

import bz2
import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from made import Array
from sklearn.datasets import dump_svmlight_file

# x_train, y_train, x_test, y_test: images (n, height, width) and labels, bytes.
Halves = tuple[Array, Array, Array, Array]


def _flat(halves: Halves) -> list[tuple[Array, Array]]:
    x_train, y_train, x_test, y_test = halves
    return [(x_train.reshape(len(x_train), -1), y_train), (x_test.reshape(len(x_test), -1), y_test)]


def _frame(x: Array, y: Array | None, name: str = "pixel{}", label: str = "label", last: bool = False) -> pd.DataFrame:
    """Return a table with the label first, as Kaggle has it, or last."""
    frame = pd.DataFrame(x, columns=[name.format(i) for i in range(x.shape[1])])
    if y is not None:
        frame.insert(x.shape[1] if last else 0, label, y)
    return frame


def _paths(folder: Path, train: str, test: str) -> list[str]:
    return ["data=file", f"data.path={folder / train}", f"data.test={folder / test}"]


def kaggle(folder: Path, halves: Halves) -> list[str]:
    """Kaggle's "Digit Recognizer", but for its test.csv, which has no labels: ``label,pixel0,…,pixel783``."""
    for (x, y), name in zip(_flat(halves), ("train.csv", "test.csv"), strict=True):
        _frame(x, y).to_csv(folder / name, index=False)
    return ["data=file", f"data.path={folder}"]


def without_header(folder: Path, halves: Halves) -> list[str]:
    """mnist_train.csv and mnist_test.csv as J. Redmon converted them: the label first, no names."""
    for (x, y), name in zip(_flat(halves), ("mnist_train.csv", "mnist_test.csv"), strict=True):
        np.savetxt(folder / name, np.column_stack([y, x]), fmt="%d", delimiter=",")
    return _paths(folder, "mnist_train.csv", "mnist_test.csv")


def label_last(folder: Path, halves: Halves) -> list[str]:
    """OpenML's export of mnist_784 as CSV, packed: ``pixel1 … pixel784,class``."""
    for (x, y), name in zip(_flat(halves), ("mnist_784.csv.gz", "mnist_784_test.csv.gz"), strict=True):
        frame = _frame(x, y, label="class", last=True)
        frame.columns = [*(f"pixel{i + 1}" for i in range(x.shape[1])), "class"]
        frame.to_csv(folder / name, index=False)
    return _paths(folder, "mnist_784.csv.gz", "mnist_784_test.csv.gz")


def quoted_tsv(folder: Path, halves: Halves) -> list[str]:
    """A table with pandas' index, every cell in quotes, packed by xz."""
    for (x, y), name in zip(_flat(halves), ("digits.tsv.xz", "held.tsv.xz"), strict=True):
        _frame(x, y, "{}", " Digit ").to_csv(folder / name, sep="\t", quoting=csv.QUOTE_ALL)
    return _paths(folder, "digits.tsv.xz", "held.tsv.xz")


def decimals(folder: Path, halves: Halves) -> list[str]:
    """Pixels from 0 to 1, as torchvision's ToTensor makes them: float32, which pandas writes in full."""
    for (x, y), name in zip(_flat(halves), ("a.csv", "b.csv"), strict=True):
        _frame((x / np.float32(255)).astype(np.float32), y, "{}", "target", last=True).to_csv(
            folder / name, index=False
        )
    return _paths(folder, "a.csv", "b.csv")


def spreadsheet(folder: Path, halves: Halves) -> list[str]:
    """What a spreadsheet of a language with decimal commas exports as "Unicode text": semicolons, UTF-16, CRLF."""
    for (x, y), name in zip(_flat(halves), ("a.csv", "b.csv"), strict=True):
        text = _frame(x / 255, y, "{}", "y").to_csv(sep=";", decimal=",", index=False, lineterminator="\r\n")
        (folder / name).write_bytes(text.encode("utf-16"))
    return _paths(folder, "a.csv", "b.csv")


def archive(folder: Path, halves: Halves) -> list[str]:
    """The zip archive that Kaggle's download button gives, of a set with two labelled halves."""
    with zipfile.ZipFile(folder / "mnist-in-csv.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for (x, y), name in zip(_flat(halves), ("mnist_train.csv", "mnist_test.csv"), strict=True):
            height, width = halves[0].shape[1:]
            frame = _frame(x, y)
            frame.columns = ["label", *(f"{i + 1}x{j + 1}" for i in range(height) for j in range(width))]
            packed.writestr(name, frame.to_csv(index=False))
    return ["data=file", f"data.path={folder / 'mnist-in-csv.zip'}"]


def spaces(folder: Path, halves: Halves) -> list[str]:
    """np.savetxt's table with white space and the names as a comment."""
    for (x, y), name in zip(_flat(halves), ("train.txt", "test.txt"), strict=True):
        names = " ".join(["label", *(f"p{i}" for i in range(x.shape[1]))])
        np.savetxt(folder / name, np.column_stack([y, x]), fmt="%d", header=names)
    return _paths(folder, "train.txt", "test.txt")


def arff(folder: Path, halves: Halves) -> list[str]:
    """OpenML's mnist_784.arff: written after its documentation, as no library that is here writes ARFF."""
    for (x, y), name in zip(_flat(halves), ("mnist_784.arff", "held.arff"), strict=True):
        (folder / name).write_text(arff_head(x.shape[1]) + _frame(x, y, last=True).to_csv(index=False, header=False))
    return _paths(folder, "mnist_784.arff", "held.arff")


def sparse_arff(folder: Path, halves: Halves) -> list[str]:
    """ARFF with sparse rows, as Weka's documentation has them: of the class, too, the first value is not written."""
    for (x, y), name in zip(_flat(halves), ("a.arff", "b.arff"), strict=True):
        rows = np.column_stack([x, y])
        lines = ["{" + ", ".join(f"{i} {row[i]}" for i in np.flatnonzero(row)) + "}" for row in rows]
        (folder / name).write_text(arff_head(x.shape[1]) + "\n".join(lines) + "\n")
    return _paths(folder, "a.arff", "b.arff")


def arff_head(pixels: int, classes: str = "0,1,2,3,4,5,6,7,8,9") -> str:
    """Return the head of an ARFF file with this many pixels and these classes."""
    attributes = "".join(f"@ATTRIBUTE pixel{i + 1} real\n" for i in range(pixels))
    return f"% digits\n@RELATION mnist_784\n\n{attributes}@ATTRIBUTE class {{{classes}}}\n\n@DATA\n"


def svmlight(folder: Path, halves: Halves) -> list[str]:
    """LIBSVM's mnist: bytes, what is zero left out; the size has to be said, as the last columns are missing."""
    for (x, y), name in zip(_flat(halves), ("mnist", "mnist.t"), strict=True):
        dump_svmlight_file(x.astype(np.int64), y, str(folder / name), zero_based=False)
    return [*_paths(folder, "mnist", "mnist.t"), "data.shape=[{},{}]".format(*halves[0].shape[1:])]


def scaled_svmlight(folder: Path, halves: Halves) -> list[str]:
    """LIBSVM's mnist.scale.bz2: from 0 to 1, in six digits."""
    for (x, y), name in zip(_flat(halves), ("mnist.scale.bz2", "mnist.scale.t.bz2"), strict=True):
        text = io.BytesIO()
        six = np.array([float(f"{value / 255:.6g}") for value in range(256)])
        dump_svmlight_file(six[x], y, text, zero_based=False)
        (folder / name).write_bytes(bz2.compress(text.getvalue()))
    return [*_paths(folder, "mnist.scale.bz2", "mnist.scale.t.bz2"), "data.shape=[{},{}]".format(*halves[0].shape[1:])]


WRITERS: dict[str, Callable[[Path, Halves], list[str]]] = {
    "Kaggle's CSV": kaggle,
    "CSV without header": without_header,
    "OpenML's CSV": label_last,
    "quoted TSV": quoted_tsv,
    "CSV of decimals": decimals,
    "a spreadsheet's CSV": spreadsheet,
    "zip of CSV": archive,
    "white space": spaces,
    "ARFF": arff,
    "sparse ARFF": sparse_arff,
    "svmlight": svmlight,
    "scaled svmlight": scaled_svmlight,
}
