"""What the files of a run directory may hold: for each how large it may be, and for each key a type and a range.

A run directory may be damaged, or a stranger's. Every reader of its files asks here before it believes a value. The
ranges are generous beside what runs write, and only as narrow as what reads the values needs. Keys that are not named
here come from another version: they may have any value that is short and plain, and stay what they are.
"""

from collections.abc import Mapping
from typing import Any

from npdigits.base.kinds import (
    FINITE,
    Kind,
    either,
    list_of,
    number,
    optional,
    plain,
    scalar,
    short_repr,
    table,
    text,
    truth,
    whole,
)
from npdigits.runs.metrics import OWN, SCORES

# Bytes of a file. A run's summary.json has 1.1 kB, its identity.json 1.0 kB, its config.yaml 1.0 kB, and 1,000 hidden
# layers add 12 kB; the names of 10,000 classes add 1 MB. What is read of YAML is less, as Python reads no more than
# 18 kB of it in a second at worst.
MOST_BYTES = {
    "summary.json": 4 << 20,
    "identity.json": 1 << 20,
    # An environment takes 1.5 kB, and there is one for each change of the machine that a run was continued on.
    "environment.json": 4 << 20,
    "config.yaml": 64 << 10,
    "code.json": 1 << 20,
}
# Bytes of each file of own code, and of all that a run keeps: source text, of which NumPy's 600 files have 9 MB.
MOST_CODE, MOST_CODE_IN_ALL = 4 << 20, 64 << 20
# Why a run failed: the longest that is kept.
LONGEST_REASON = 10_000

# No version of npdigits will ever write a higher schema.
MOST_SCHEMA = 10**6

NAME = text(200)
PATH = text(10_000)
SHA256 = text(64, "[0-9a-f]{1,64}", "a SHA-256 in hex")
EPOCH = whole(1, 10**9)
SHARE = number(0, 1)
SHAPE = list_of(whole(1, 10**5), 2, 2)
OWN_COLUMN = text(200, OWN, "a figure of one's own, such as val_top2")
# Of one network, whose classes may have names.
CLASSES = 10_000
_CLASS_NAMES = list_of(NAME, CLASSES, 1)

SUMMARY_VALUES: dict[str, Kind] = {
    "status": NAME,
    **dict.fromkeys(("schema", "schema_but_for_pause"), whole(1, MOST_SCHEMA)),
    "identity": either(SHA256, text(0, allowed="nothing")),
    "data": NAME,
    "data_sha256": either(SHA256, text(0, allowed="nothing")),
    "data_sizes": table(dict.fromkeys(("train", "val", "test"), whole(0, 10**12)), plain(3)),
    "image_shape": SHAPE,
    "classes": _CLASS_NAMES,
    "reading": table(
        {
            **{"shape": SHAPE, "range": list_of(FINITE, 2, 2), "transpose": truth, "classes": _CLASS_NAMES},
            **dict.fromkeys(("open_orientation", "as_they_are"), truth),
            "values": list_of(either(NAME, FINITE), CLASSES, 1),
        },
        plain(3),
        required=("shape", "range", "transpose", "values", "classes"),
    ),
    "parameters": whole(1, 10**12),
    "epochs_run": whole(0, 10**9),
    "seconds": number(0, 1e12),
    **dict.fromkeys(("seconds_shared", "bits_may_differ", "at_chance"), truth),
    "stopped_by": NAME,
    **dict.fromkeys(("diverged_in_epoch", "best_epoch"), EPOCH),
    **{name: SHARE if name.endswith("accuracy") else FINITE for name in SCORES},
    "own_metrics": table({}, optional(FINITE), most=1000, names=OWN_COLUMN),
    "readout": table(
        {
            **dict.fromkeys(("digits", "correct"), whole(0, 10**12)),
            **{"accuracy": SHARE, "interval": list_of(SHARE, 2, 2)},
        },
        plain(3),
    ),
    "never_read": list_of(whole(0, CLASSES - 1), CLASSES),
    "temperature": number(1e-9, 1e9),
    "diagnosis": text(1000),
    **dict.fromkeys(("sizes", "more_sizes"), table({}, whole(0, 10**15), most=1000)),
    "reason": text(LONGEST_REASON),
}

# Keys of a configuration as an identity holds them; what is typed is checked more narrowly, by ``config.keys``.
_NUMBER = optional(FINITE)
IDENTITY_VALUES: dict[str, Kind] = {
    "hidden": list_of(whole(1, 10**9), 10_000),
    **dict.fromkeys(("activation", "output", "cost", "initializer", "optimizer", "schedule"), NAME),
    **dict.fromkeys(("augment", "stop_on", "dtype"), NAME),
    **dict.fromkeys(("leak", "init_scale", "eps", "momentum", "rho", "lr", "lr_decay", "l2", "weight_decay"), _NUMBER),
    **dict.fromkeys(("input_dropout", "max_norm", "alpha", "sigma", "rotation", "scale", "shear", "shift"), _NUMBER),
    "added_strokes": _NUMBER,
    "min_delta": _NUMBER,
    "betas": list_of(FINITE, 2, 2),
    "dropout": either(list_of(FINITE, 10_000), FINITE),
    **dict.fromkeys(("nesterov", "portable"), truth),
    **dict.fromkeys(("decay_every", "warmup", "batch_size", "epochs", "patience", "window", "threads"), whole(0)),
    **dict.fromkeys(("val_size", "score_size"), optional(whole(0))),
    "seed": whole(0),
    **dict.fromkeys(("split_seed", "initialization_seed", "order_seed"), optional(whole(0))),
    "metrics": list_of(NAME, 1000),
    "data_sha256": SHA256,
    "numerics": either(whole(0, 10**6), NAME),
}
# Numbers of own components are keys, too.
_ONE_OR_MORE = either(scalar(10_000), list_of(scalar(10_000), 10_000))
IDENTITY = table(IDENTITY_VALUES, _ONE_OR_MORE, required=("seed",))
# The header of a checkpoint.
HEADER = table(
    {
        "format": whole(0, MOST_SCHEMA),
        "identity": IDENTITY,
        "data": NAME,
        "steps": whole(0, 10**15),
        "stopped_by": optional(NAME),
    },
    plain(3),
    required=("format", "identity", "data", "steps", "stopped_by"),
)

# Where it was begun before, one of these for each place.
_ENVIRONMENT: dict[str, Kind] = {
    **dict.fromkeys(("python", "platform", "processor"), text(1000)),
    "packages": table({}, optional(NAME), most=1000),
    "blas": list_of(
        table(
            {
                **dict.fromkeys(("internal_api", "version", "architecture", "threading_layer"), optional(NAME)),
                "num_threads": optional(whole(0, 10**6)),
            },
            scalar(1000),
        ),
        100,
    ),
    "numpy_simd": table({}, either(list_of(NAME, 1000), NAME), most=100),
    "c_library": optional(NAME),
    "portable": table(
        {"arithmetic": table({}, NAME, most=1000), "own_code": truth}, plain(3), required=("arithmetic", "own_code")
    ),
    "git_commit": optional(NAME),
    "git_dirty": optional(truth),
}
ENVIRONMENT = table({**_ENVIRONMENT, "earlier": list_of(table(_ENVIRONMENT, plain(3)), 10_000)}, plain(3))

# config.yaml: whether a value is allowed, its key says (``former.parse_run_config``).
CONFIG = table({"data": table({}, _ONE_OR_MORE, most=100)}, _ONE_OR_MORE)

CODE = table(
    {},
    table(
        {
            **dict.fromkeys(("spec", "main", "folder", "distribution"), PATH),
            "files": list_of(PATH, 10_000),
            "installed": truth,
        },
        plain(3),
        required=("spec", "folder", "main", "files", "distribution", "installed"),
    ),
    most=1000,
)


def check_epochs(known: Mapping[str, Any]) -> None:
    """Refuse epochs that contradict how many have ended: the best is one of these, the one that diverged the next.

    Raises:
        ValueError: says which.
    """
    n = known.get("epochs_run")
    for name, most in (("best_epoch", n), ("diverged_in_epoch", None if n is None else n + 1)):
        if most is not None and known.get(name, 0) > most:
            raise ValueError(f"{name}={known[name]}, but epochs_run={n}: allowed is at most {most}")


def check_classes(known: Mapping[str, Any]) -> None:
    """Refuse a reading that contradicts itself, or what else is said of the images and classes.

    Raises:
        ValueError: says where.
    """
    reading = known.get("reading")
    if reading is None:
        return
    paper, ink = reading["range"]
    if paper == ink:
        raise ValueError(f"reading.range={reading['range']}: allowed are two numbers")
    if len(reading["values"]) != len(reading["classes"]):
        raise ValueError(f"reading has {len(reading['values'])} labels for {len(reading['classes'])} classes")
    for name, value in (("shape", known.get("image_shape")), ("classes", known.get("classes"))):
        if value is not None and reading[name] != value:
            raise ValueError(f"reading.{name}={short_repr(reading[name])}, but {short_repr(value)} elsewhere")
