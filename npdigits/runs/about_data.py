"""What a run's summary says of its data set: its size, its classes, and what its stored numbers mean."""

import json
from typing import Any

from npdigits.base.errors import DataError
from npdigits.data.sets import Data
from npdigits.runs.contents import CLASSES, MOST_BYTES
from npdigits.runs.summary import Status, Summary

# Readers of schema 2 know images of bytes and so many classes, and take all else for damaged.
OF_BYTES, OF_ANY, MOST_OF_BYTES = 2, 3, 256
# Bytes of summary.json that the names of classes may take; the rest is for all else that stands there.
MOST_NAMES = MOST_BYTES["summary.json"] * 3 // 4


def summarize(data: Data) -> dict[str, Any]:
    """Return what summary.json says of a data set, by its keys.

    Raises:
        DataError: no reader would believe it: there are too many classes, or what is said of them is no names.
    """
    where = f"data={data.name}"
    if data.n_classes > CLASSES:
        raise DataError(f"{where}: {data.n_classes:,} classes: allowed are at most {CLASSES:,}")
    known = {
        "data": data.name,
        "data_sha256": data.sha256,
        "image_shape": list(data.image_shape),
        "classes": list(data.classes) or None,
        "reading": None if data.reading is None else dict(data.reading),
    }
    try:
        Summary.parse({"status": str(Status.RUNNING), **known}).meaning(data.n_classes)
    except ValueError as error:
        why = str(error).removeprefix("summary.json").lstrip(": ")
        raise DataError(f"{where}: {why}") from error
    names = json.dumps([known["classes"], known["reading"]], indent=2, ensure_ascii=False).encode()
    if len(names) > MOST_NAMES:
        raise DataError(f"{where}: the names of its classes take {len(names):,} bytes: allowed are {MOST_NAMES:,}")
    of_bytes = {data.train.images.dtype.name, data.test.images.dtype.name} == {"uint8"}
    return {"schema": OF_BYTES if of_bytes and data.n_classes <= MOST_OF_BYTES else OF_ANY, **known}
