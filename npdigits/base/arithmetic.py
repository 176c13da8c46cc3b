"""What this process computes, operation by operation: digests of results, from inputs that are the same everywhere.

Processors, NumPy's builds, BLAS and C libraries differ in some of them. Processes that agree in all of them have left
the same bytes, on emulated processors and with several versions of each library (``experiments/emulated.py``).
Operations that every processor must round correctly (+, ·, /, √) are not here.
"""

import functools
import hashlib
from collections.abc import Iterator

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread

# Inputs of each function: so many that C libraries which differ at all differ here.
INPUTS = 1 << 13
# Images, inputs and units of products: small ones, one unit, one image, and those of which BLAS makes blocks.
PRODUCTS = ((32, 784, 20), (32, 20, 10), (128, 784, 100), (7, 33, 11), (1, 784, 20), (100, 784, 1), (300, 300, 30))


@functools.cache
def digests() -> dict[str, str]:
    """Return eight hex digits of the SHA-256 of each operation's results, by its name. It takes some 25 ms."""
    with one_thread(), np.errstate(all="ignore"):
        return {
            f"{name} {dtype}": hashlib.sha256(np.ascontiguousarray(result).tobytes()).hexdigest()[:8]
            for dtype in ("float32", "float64")
            for name, result in _results(np.dtype(dtype))
        }


def arithmetic_in_short() -> str:
    """Return eight hex digits that stand for all of them."""
    return hashlib.sha256(repr(sorted(digests().items())).encode()).hexdigest()[:8]


def _results(dtype: np.dtype) -> Iterator[tuple[str, Array]]:
    """Yield each operation's name and its results in one type."""
    rng = np.random.Generator(np.random.PCG64(0))
    # Whole numbers are drawn alike everywhere, and these are exact in either type.
    u = rng.integers(0, 1 << 24, INPUTS) / (1 << 24)
    x = (40 * (u - 0.5)).astype(dtype)
    share = u.astype(dtype)
    yield "exp", np.exp(x)
    yield "tanh", np.tanh(x)
    yield "log", np.log(share + np.finfo(dtype).tiny)
    yield "log1p", np.log1p(share)
    yield "expm1", np.expm1(-share)
    yield "sin, cos", np.concatenate([np.sin(x), np.cos(x)])
    if dtype == np.float64:
        yield "tan", np.tan(x)
        yield "logaddexp", np.logaddexp(0, x)
        yield "normal numbers", rng.standard_normal(INPUTS)
    rows = x.reshape(-1, 64)
    yield "sums", np.concatenate([rows.sum(axis=1), rows.sum(axis=0), rows[:, :10].sum(axis=1), [x.sum()]])
    yield "sums of squares", np.einsum("ij,ij->i", rows, rows)
    for images, inputs, units in PRODUCTS:
        a, w = (rng.integers(-999, 999, shape).astype(dtype) / 1000 for shape in ((images, inputs), (units, inputs)))
        products = np.concatenate([(a @ w.T).ravel(), (w @ a.T).ravel(), ((a @ w.T).T @ a).ravel()])
        yield f"product {images} × {inputs} × {units}", products
