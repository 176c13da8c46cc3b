"""The peers, each as its own users would write it well: one class a framework, one training pass a call.

All train the same network (ReLU hidden layers, softmax) on the same 60,000 digits in float32, with Adam (lr 0.001), L2
on weights (λ = 1e-4), and batches shuffled anew for each pass. A class is made with the data and the layer sizes, gets
ready in ``__init__`` (which is not timed), and makes one pass in ``one_pass``.
"""

import itertools
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

LR, L2 = 1e-3, 1e-4


class Peer(Protocol):
    """What the benchmark needs of a framework."""

    def one_pass(self) -> None:
        """Train once over all images."""

    def predict(self, images: Array) -> Array:
        """Return the classes of these images (bytes)."""


class NumPy:
    """npdigits itself, by the calls that a run makes."""

    def __init__(self, images: Array, labels: Array, hidden: list[int], batch: int, threads: int) -> None:
        from threadpoolctl import threadpool_limits

        from npdigits.config.build import initial_state, recipe
        from npdigits.config.compose import compose
        from npdigits.data.sets import Split
        from npdigits.training.loop import start_workers

        threadpool_limits(1, user_api="blas")
        keys = [f"hidden={hidden}", "activation=relu", f"batch_size={batch}", f"threads={threads}"]
        config = compose([*keys, f"lr={LR}", "schedule=constant", f"l2={L2}", "weight_decay=0"])
        split = Split(images, labels.astype(np.intp), np.arange(len(images)))
        self.state = initial_state(config, (images.shape[1], *hidden, 10))
        self.workers = start_workers(self.state, {"train": split}, recipe(config, (28, 28)))
        self.passes = 0

    def one_pass(self) -> None:
        self.passes += 1
        self.workers.call("train", self.passes, LR)

    def close(self) -> None:
        self.workers.close()

    def predict(self, images: Array) -> Array:
        from npdigits.data.sets import Split
        from npdigits.training.scoring import probabilities

        split = Split(images, np.zeros(len(images), np.intp), np.arange(len(images)))
        result: Array = probabilities(self.state.network, split).argmax(axis=1)
        return result


class PyTorch:
    """All data in one tensor, batches by randperm, fused Adam."""

    def __init__(self, images: Array, labels: Array, hidden: list[int], batch: int, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        torch.manual_seed(0)
        torch.set_flush_denormal(True)  # else L2 drives the weights of black pixels into slow numbers
        self.torch = torch
        self.batch = batch
        self.x = torch.tensor(images).float().div_(255)
        self.y = torch.tensor(labels.astype(np.int64))
        sizes = [images.shape[1], *hidden, 10]
        layers: list[Any] = []
        for fan_in, fan_out in itertools.pairwise(sizes):
            layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
        self.model = torch.nn.Sequential(*layers[:-1])
        weights = [p for p in self.model.parameters() if p.ndim == 2]
        biases = [p for p in self.model.parameters() if p.ndim == 1]
        groups: Any = [{"params": weights, "weight_decay": L2}, {"params": biases}]
        self.optimizer = torch.optim.Adam(groups, lr=LR, fused=True)

    def _step(self, x: Any, y: Any) -> None:
        self.optimizer.zero_grad()
        cost: Any = self.torch.nn.functional.cross_entropy(self.model(x), y)
        cost.backward()
        self.optimizer.step()

    def one_pass(self) -> None:
        order = self.torch.randperm(len(self.x))
        for start in range(0, len(order), self.batch):
            rows = order[start : start + self.batch]
            self._step(self.x[rows], self.y[rows])

    def predict(self, images: Array) -> Array:
        with self.torch.no_grad():
            result: Array = self.model(self.torch.tensor(images).float() / 255).argmax(dim=1).numpy()
        return result


class PyTorchDataLoader(PyTorch):
    """The usual way: a Dataset that turns each picture into a tensor (ToTensor), and a DataLoader."""

    def __init__(self, images: Array, labels: Array, hidden: list[int], batch: int, threads: int) -> None:
        super().__init__(images, labels, hidden, batch, threads)
        torch = self.torch
        pictures = torch.tensor(images).reshape(-1, 28, 28)
        targets = self.y

        class Digits(torch.utils.data.Dataset):  # type: ignore[misc, name-defined]
            def __len__(self) -> int:
                return len(pictures)

            def __getitem__(self, i: int) -> Any:
                return pictures[i].float().div(255).reshape(-1), targets[i]

        self.loader = torch.utils.data.DataLoader(Digits(), batch_size=batch, shuffle=True)

    def one_pass(self) -> None:
        for x, y in self.loader:
            self._step(x, y)


class ScikitLearn:
    """MLPClassifier; partial_fit makes one shuffled pass."""

    def __init__(self, images: Array, labels: Array, hidden: list[int], batch: int, threads: int) -> None:
        from sklearn.neural_network import MLPClassifier
        from threadpoolctl import threadpool_limits

        threadpool_limits(threads)
        self.x = images.astype(np.float32) / np.float32(255)
        self.y = labels
        # Its penalty is alpha/2·‖W‖² divided by the batch's size.
        self.model = MLPClassifier(
            tuple(hidden), solver="adam", alpha=L2 * batch, batch_size=batch, learning_rate_init=LR, random_state=0
        )
        self.model.partial_fit(self.x[:batch], self.y[:batch], classes=np.arange(10))

    def one_pass(self) -> None:
        self.model.partial_fit(self.x, self.y)

    def predict(self, images: Array) -> Array:
        result: Array = self.model.predict(images.astype(np.float32) / np.float32(255))
        return result


class Jax:
    """A whole pass in one compiled lax.scan; compiling is not timed. The order is drawn by NumPy, which is faster."""

    def __init__(self, images: Array, labels: Array, hidden: list[int], batch: int, threads: int) -> None:
        import jax
        import jax.numpy as jnp

        self.jax, self.jnp = jax, jnp
        self.jnp_ready: Any = jax.block_until_ready
        sizes = [images.shape[1], *hidden, 10]
        key = jax.random.key(0)
        parameters = []
        for fan_in, fan_out in itertools.pairwise(sizes):
            key, drawn = jax.random.split(key)
            w = jax.random.normal(drawn, (fan_in, fan_out), jnp.float32) * (2 / fan_in) ** 0.5
            parameters.append((w, jnp.zeros(fan_out, jnp.float32)))
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        self.state = (parameters, zeros, zeros, jnp.zeros((), jnp.float32))
        self.x = jnp.asarray(images.astype(np.float32) / np.float32(255))
        self.y = jnp.asarray(labels.astype(np.int32))
        self.key = key
        n, whole = len(images), len(images) // batch * batch

        def logits(parameters: Any, x: Any) -> Any:
            for w, b in parameters[:-1]:
                x = jax.nn.relu(x @ w + b)
            w, b = parameters[-1]
            return x @ w + b

        def cost(parameters: Any, x: Any, y: Any) -> Any:
            log_p = jax.nn.log_softmax(logits(parameters, x))
            penalty = sum((w * w).sum() for w, _ in parameters)
            return -jnp.take_along_axis(log_p, y[:, None], axis=1).mean() + 0.5 * L2 * penalty

        def step(state: Any, rows: Any) -> Any:
            parameters, m, v, t = state
            g = jax.grad(cost)(parameters, self.x[rows], self.y[rows])
            t = t + 1
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
            scale, correction = LR / (1 - 0.9**t), 1 / (1 - 0.999**t)
            parameters = jax.tree.map(
                lambda p, m, v: p - scale * m / (jnp.sqrt(v * correction) + 1e-8), parameters, m, v
            )
            return (parameters, m, v, t), None

        def one_pass(state: Any, order: Any) -> Any:
            state, _ = jax.lax.scan(step, state, order[:whole].reshape(-1, batch))
            if whole < n:
                state, _ = step(state, order[whole:])
            return state

        self.logits = jax.jit(logits)
        self.rng, self.n = np.random.default_rng(0), n
        self.compiled = jax.jit(one_pass).lower(self.state, self._order()).compile()

    def _order(self) -> Any:
        return self.jnp.asarray(self.rng.permutation(self.n).astype(np.int32))

    def one_pass(self) -> None:
        self.state = self.jnp_ready(self.compiled(self.state, self._order()))

    def predict(self, images: Array) -> Array:
        x = self.jnp.asarray(images.astype(np.float32) / np.float32(255))
        return np.asarray(self.logits(self.state[0], x).argmax(axis=1))


class JaxOwnOrder(Jax):
    """The same with JAX's own permutation, which sorts: some 35 ms of a pass."""

    def _order(self) -> Any:
        self.key, drawn = self.jax.random.split(self.key)
        return self.jax.random.permutation(drawn, self.n).astype(self.jnp.int32)


PEERS: dict[str, Any] = {
    "npdigits": NumPy,
    "PyTorch": PyTorch,
    "PyTorch DataLoader": PyTorchDataLoader,
    "scikit-learn": ScikitLearn,
    "JAX": Jax,
    "JAX, own order": JaxOwnOrder,
}
