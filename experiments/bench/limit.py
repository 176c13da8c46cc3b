"""The limit: how fast a pass could be if there were nothing to do but its matrix products and one look at the state."""

import itertools
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from npdigits.base.arrays import aligned
from npdigits.nn import matmul
from npdigits.nn.cuts import choose_cuts
from npdigits.nn.workspace import Workspace

DIGITS = 60_000


def seconds(hidden: list[int], batch: int, threads: int, repetitions: int = 5) -> dict[str, float]:
    """Return the seconds of one pass's matrix products and of reading and writing the optimizer's state.

    Two figures for the products: ``whole``, each as one call of BLAS, and ``cut``, in the shapes that the network uses.
    The state are four float32 numbers a parameter (θ, g, M, V), read and written once a step at memory speed, measured
    by copying as many bytes.
    """
    sizes = [784, *hidden, 10]
    layers = list(itertools.pairwise(sizes))
    rng = np.random.default_rng(0)
    arrays = []
    for n_in, n_out in layers:
        a, w, delta = aligned((batch, n_in)), aligned((n_out, n_in)), aligned((batch, n_out))
        for array in (a, w, delta):
            array[...] = rng.random(array.shape)
        arrays.append((a, w, delta, aligned((batch, n_out)), aligned((n_out, n_in)), aligned((batch, n_in))))
    parameters = sum(n_in * n_out + n_out for n_in, n_out in layers)
    state, copy = aligned(4 * parameters), aligned(4 * parameters)

    def whole() -> None:
        for layer, (a, w, delta, z, dw, back) in enumerate(arrays):
            np.matmul(a, w.T, out=z)
            np.matmul(delta.T, a, out=dw)
            if layer:
                np.matmul(delta, w, out=back)

    operations = list(_cut_products(sizes, batch, arrays))

    def cut() -> None:
        for operation in operations:
            operation()

    def touch() -> None:
        np.copyto(copy, state)

    steps = DIGITS / batch
    with threadpool_limits(threads, user_api="blas"):
        times = {"whole": [], "cut": [], "state": []}  # type: dict[str, list[float]]
        for _ in range(repetitions):
            for name, act in (("whole", whole), ("cut", cut), ("state", touch)):
                calls = max(3, min(300, int(3e7 / (batch * sum(i * o for i, o in layers) / 784))))
                begun = time.perf_counter()
                for _ in range(calls):
                    act()
                times[name].append((time.perf_counter() - begun) / calls * steps)
    return {name: float(np.median(values)) for name, values in times.items()}


def _cut_products(sizes: list[int], batch: int, arrays: list[tuple[Any, ...]]) -> Iterator[matmul.Operation]:
    """Yield the products in the shapes in which a step has them, all by one process."""
    cuts = choose_cuts(tuple(sizes), batch)
    workspace = Workspace(tuple(sizes), batch, cuts=cuts)
    for layer, (a, w, delta, z, dw, back) in enumerate(arrays):
        yield from matmul.forward(a, w, z, workspace.forward_tile(layer))
        parts = np.empty((cuts.parts, *dw.shape), dw.dtype)
        yield from matmul.gradient(delta, a, parts, cuts.part_size, workspace.gradient_tile(layer))
        if layer:
            yield from matmul.backward(delta, w, back, workspace.backward_tile(layer))
