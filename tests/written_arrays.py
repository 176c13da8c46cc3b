"""Sets of digits in the binary forms that people have, each written with the library that people write it with."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.io
from PIL import Image

Array = np.ndarray[Any, np.dtype[Any]]
Halves = tuple[Array, Array, Array, Array]
Writer = Callable[[Path, Halves], list[str]]


def data_at(path: Path, *more: str) -> list[str]:
    """Return the overrides that name a set."""
    return ["data=file", f"data.path={path}", *more]


def write_keras(folder: Path, halves: Halves) -> list[str]:
    """Keras' mnist.npz (documented in keras.datasets.mnist)."""
    np.savez(folder / "mnist.npz", **dict(zip(("x_train", "y_train", "x_test", "y_test"), halves, strict=True)))
    return data_at(folder / "mnist.npz")


def write_packed_npz(folder: Path, halves: Halves) -> list[str]:
    """numpy.savez_compressed without names, images as floats 0 … 255 with an axis of channels, labels as int64."""
    x_train, y_train, x_test, y_test = halves
    np.savez_compressed(
        folder / "digits.npz",
        x_train[..., None].astype(np.float32),
        y_train.astype(np.int64),
        x_test[..., None].astype(np.float32),
        y_test.astype(np.int64),
    )
    return data_at(folder / "digits.npz")


def write_npy(folder: Path, halves: Halves) -> list[str]:
    """Four .npy files in a folder."""
    for name, array in zip(("x_train", "y_train", "x_test", "y_test"), halves, strict=True):
        np.save(folder / f"{name}.npy", array)
    return data_at(folder)


def write_npy_pairs(folder: Path, halves: Halves) -> list[str]:
    """A pair of .npy files each for training and test, of which one is named; flat images, one-hot labels."""
    for part, images, labels in (("train", *halves[:2]), ("test", *halves[2:])):
        np.save(folder / f"{part}_images.npy", images.reshape(len(images), -1))
        np.save(folder / f"{part}_labels.npy", np.eye(10)[labels])
    return data_at(folder / "train_images.npy", f"data.test={folder / 'test_images.npy'}")


def write_emnist(folder: Path, halves: Halves) -> list[str]:
    """EMNIST's emnist-digits.mat: a struct, images column by column, and a mapping to ASCII codes (as it is read by
    many programs; the file itself was not at hand)."""
    dataset: dict[str, Any] = {
        part: {
            "images": images.transpose(0, 2, 1).reshape(len(images), -1),
            "labels": labels[:, None],
            "writers": np.arange(len(labels), dtype=np.uint16)[:, None],
        }
        for part, images, labels in (("train", *halves[:2]), ("test", *halves[2:]))
    }
    dataset["mapping"] = np.array([[i, 48 + i] for i in range(10)], np.uint8)
    scipy.io.savemat(folder / "emnist-digits.mat", {"dataset": dataset}, do_compression=True)
    return data_at(folder / "emnist-digits.mat", "data.transpose=true")


def write_hdf5(folder: Path, halves: Halves) -> list[str]:
    """The layout of usps.h5, packed, with MNIST's bytes."""
    with h5py.File(folder / "digits.h5", "w") as file:
        for part, images, labels in (("train", *halves[:2]), ("test", *halves[2:])):
            group = file.create_group(part)
            group.create_dataset("data", data=images.reshape(len(images), -1), compression="gzip", shuffle=True)
            group.create_dataset("target", data=labels.astype(np.int64))
    return data_at(folder / "digits.h5")


def png_of(image: Array) -> bytes:
    """Return a PNG file's content."""
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return content.getvalue()


def hub_table(images: Array, labels: Array, names: list[str] | None = None) -> pa.Table:
    """Return a table as the datasets library writes it: pictures as bytes and path, and the classes' names."""
    cells = [{"bytes": png_of(image), "path": f"{i}.png"} for i, image in enumerate(images)]
    table = pa.table(
        {
            "image": pa.array(cells, pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            "label": pa.array(labels.tolist(), pa.int64()),
        }
    )
    features = {"image": {"_type": "Image"}, "label": {"names": names or [str(i) for i in range(10)]}}
    features["label"]["_type"] = "ClassLabel"  # type: ignore[assignment]
    return table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def write_hub(folder: Path, halves: Halves) -> list[str]:
    """A hub's data set: two shards for training, one for the test, below a folder."""
    (folder / "data").mkdir()
    x_train, y_train, x_test, y_test = halves
    middle = len(x_train) // 2
    pq.write_table(hub_table(x_train[:middle], y_train[:middle]), folder / "data" / "train-00000-of-00002.parquet")
    pq.write_table(hub_table(x_train[middle:], y_train[middle:]), folder / "data" / "train-00001-of-00002.parquet")
    pq.write_table(hub_table(x_test, y_test), folder / "data" / "test-00000-of-00001.parquet")
    return data_at(folder)


def write_flat_parquet(folder: Path, halves: Halves) -> list[str]:
    """Kaggle's columns in parquet files, as pandas writes them."""
    import pandas as pd

    for part, images, labels in (("train", *halves[:2]), ("test", *halves[2:])):
        flat = images.reshape(len(images), -1).astype(np.int64)
        table = pd.DataFrame(flat, columns=[f"pixel{i}" for i in range(flat.shape[1])])
        table.insert(0, "label", labels.astype(np.int64))
        table.to_parquet(folder / f"{part}.parquet")
    return data_at(folder / "train.parquet", f"data.test={folder / 'test.parquet'}")


def write_lists(folder: Path, halves: Halves) -> list[str]:
    """A list of lists of bytes an image, and labels encoded by a dictionary."""
    for part, images, labels in (("train", *halves[:2]), ("test", *halves[2:])):
        table = pa.table({"image": images.tolist(), "label": pa.array(labels.tolist()).dictionary_encode()})
        pq.write_table(table, folder / f"{part}.parquet")
    return data_at(folder)


WRITERS: dict[str, Writer] = {
    "npz (Keras)": write_keras,
    "npz (packed, without names)": write_packed_npz,
    "npy (four files)": write_npy,
    "npy (pairs)": write_npy_pairs,
    "MATLAB (EMNIST)": write_emnist,
    "HDF5": write_hdf5,
    "parquet (a hub's)": write_hub,
    "parquet (a column a pixel)": write_flat_parquet,
    "parquet (lists)": write_lists,
}
