"""Any value for any key either trains or gives one line and a non-zero code: never a traceback, never a hang."""

import contextlib
import dataclasses
import io
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from made import read_summary, write_set

from npdigits import train
from npdigits.base import program
from npdigits.config.keys import RULES
from npdigits.config.schema import Config

KEYS = [*(field.name for field in dataclasses.fields(Config)), "data.dir", "data.name", "data.root", "data.fallback"]
# What is typed for keys whose allowed values make a run long or large, besides what is not allowed anyway.
SMALL = {
    "epochs": st.integers(-3, 3),
    "hidden": st.one_of(st.integers(-2, 40), st.lists(st.integers(-1, 30), max_size=3)),
    "threads": st.integers(-2, 3),
    "batch_size": st.integers(-2, 700),
}
WORDS = [
    "null",
    "true",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "1e-400",
    "[]",
    "{}",
    "[1,[2]]",
    "''",
    "???",
    "${seed}",
    "${x}",
    "x",
]
WORDS += [
    "adam",
    "sgd",
    "rmsprop",
    "relu",
    "tanh",
    "cosine",
    "step",
    "none",
    "gap",
    "variance",
    "zeros",
    "float64",
    "idx",
]
anything = st.one_of(
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.sampled_from(WORDS),
    st.text(max_size=12).filter(lambda text: "\x00" not in text),
    st.lists(st.one_of(st.integers(-5, 5), st.floats(allow_nan=False)), max_size=3),
)
SECONDS = 30
# The suite draws the same examples each time; NPDIGITS_FUZZ=5000 draws so many others.
EXAMPLES = int(os.environ.get("NPDIGITS_FUZZ", "200"))
PLAIN = {
    "deadline": None,
    "database": None,
    "derandomize": "NPDIGITS_FUZZ" not in os.environ,
    "suppress_health_check": list(HealthCheck),
}


def value_of(key):
    """Return a strategy of values: for the keys of SMALL no large numbers, which would be right and take for ever."""
    if key not in SMALL:
        return anything
    no_numbers = st.one_of(
        st.sampled_from(WORDS), st.text("abc{}[]=,:'\" ", max_size=6), st.floats(0, 1, exclude_max=True)
    )
    return st.one_of(SMALL[key], no_numbers)


overrides = st.lists(
    st.sampled_from(KEYS).flatmap(lambda key: value_of(key).map(lambda value: f"{key}={value}")), min_size=1, max_size=3
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def small_set(folder):
    return write_set(folder / "digits", train=120, test=20)


class Hang(BaseException):
    """It took too long."""


@contextlib.contextmanager
def time_limit():
    def ring(number, frame):
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def typed_here(arguments, where):
    """Run the command line in this process, in a directory; return the exit code and what it said."""
    out, err, before, argv = io.StringIO(), io.StringIO(), Path.cwd(), sys.argv
    os.chdir(where)
    sys.argv = ["npdigits", *arguments]
    try:
        with time_limit(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            train.main()
    except SystemExit as end:
        return end.code, out.getvalue(), err.getvalue()
    finally:
        os.chdir(before)
        sys.argv = argv
    raise AssertionError("the command line returned without an exit code")


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs SIGALRM")
@settings(max_examples=EXAMPLES, **PLAIN)
@given(overrides=overrides)
@example(overrides=["lr=1e308", "optimizer=sgd"])
@example(overrides=["eps=1e308"])
@example(overrides=["betas=[0,0]"])
@example(overrides=["window=1000000000000000000000000"])
@example(overrides=["patience=1000000000000000000000000"])
@example(overrides=["seed=1000000000000000000000000000"])
@example(overrides=["decay_every=1000000000000000000000000000", "schedule=step"])
@example(overrides=["warmup=1000000000000000000000000000"])
@example(overrides=["l2=1e300"])
@example(overrides=["l2=1e-300"])
@example(overrides=["weight_decay=1e308", "lr=1e308"])
@example(overrides=["out=\n"])
@example(overrides=["resume=."])
@example(overrides=["resume="])
@example(overrides=["quiet=true", "plots=false", "threads=3", "hidden=[1]"])
def test_any_value_for_any_key(folder, small_set, overrides):
    count = len(list(folder.glob("run*")))
    run = folder / f"run{count}"
    base = ["data=idx", f"data.dir={small_set}", f"out={run}", "epochs=1", "plots=false", "hidden=3"]
    code, _, err = typed_here([*base, *overrides], folder)
    lines = [line for line in err.splitlines() if not line.startswith("npdigits: WARNING: ")]
    if code in (0, train.DIVERGED):
        assert lines == [], err
        if run.exists():
            assert read_summary(run)["status"] == ("diverged" if code else "finished")
        else:
            run.mkdir()  # its own `out` or the default: the next example takes another
    else:
        assert code == program.BAD_INPUT, (code, err)
        assert len(lines) == 1 and lines[0].startswith("npdigits: ") and len(lines[0]) > 20, err
        assert "Traceback" not in err
        run.mkdir(exist_ok=True)
    assert set(RULES) <= set(KEYS)


@settings(max_examples=EXAMPLES, **PLAIN)
@given(data=st.data())
def test_damaged_data_is_an_error_or_other_digits_but_never_a_traceback(folder, data):
    """Bytes of a file changed, cut or added, packed and unpacked: one line says so, or it reads as a set."""
    from npdigits.base.errors import UserError
    from npdigits.data import sets

    name = data.draw(st.sampled_from(["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]))
    packed = data.draw(st.booleans())
    made = write_set(folder / f"damaged{packed}", train=30, test=12, packed=packed)
    path = made / (f"{name}.gz" if packed else name)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        how = data.draw(st.sampled_from(["change", "cut", "add"]))
        if how == "change":
            content[place] ^= data.draw(st.integers(1, 255))
        elif how == "cut" and place:
            del content[place:]
        else:
            content[place:place] = data.draw(st.binary(min_size=1, max_size=9))
    path.write_bytes(content)
    try:
        loaded = sets.load("idx", folder=made)
    except UserError as error:
        assert ("\n" not in str(error) and str(path) in str(error)) or "labels" in str(error)
    else:
        assert len(loaded.train) == 30 and loaded.train.images.shape == (30, 56)
