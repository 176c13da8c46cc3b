"""What one runtime makes of exported files: run by ``onnx_runtimes.py``, with that runtime's Python, without npdigits.

``python onnx_probe.py RUNTIME FOLDER`` prints JSON: of each NAME.onnx the answers' distance from what NAME.npz expects.
"""

import importlib
import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np

# (file) -> (images) -> (probabilities, digits)
Answer = Callable[[Any], tuple[Any, Any]]
Loader = Callable[[str], Answer]
# What is asked of one loaded network, one after the other.
BATCHES = (100, 1, 7)


def onnxruntime(file: str) -> Answer:
    """Microsoft's; it takes what the file declares."""
    session = importlib.import_module("onnxruntime").InferenceSession(file, providers=["CPUExecutionProvider"])
    return lambda images: tuple(session.run(["probabilities", "digit"], {"images": images}))


def reference(file: str) -> Answer:
    """The evaluator of the package onnx."""
    session = importlib.import_module("onnx.reference").ReferenceEvaluator(file)
    return lambda images: tuple(session.run(["probabilities", "digit"], {"images": images}))


def opencv(file: str) -> Answer:
    """OpenCV's dnn: 4 has tensors of float32 and of two axes at the least."""
    net = importlib.import_module("cv2").dnn.readNetFromONNX(file)

    def answer(images: Any) -> tuple[Any, Any]:
        net.setInput(images)
        return tuple(net.forward(["probabilities", "digit"]))

    return answer


def openvino(file: str, **settings: str) -> Answer:
    """Intel's, with its own settings."""
    core = importlib.import_module("openvino").Core()
    model = core.compile_model(file, "CPU", settings)

    def answer(images: Any) -> tuple[Any, Any]:
        result = model(images)
        return result["probabilities"], result["digit"]

    return answer


def openvino_f32(file: str) -> Answer:
    """Intel's, without bfloat16."""
    return openvino(file, INFERENCE_PRECISION_HINT="f32")


def tract(file: str) -> Answer:
    """Sonos's, in Rust."""
    model = importlib.import_module("tract").onnx().load(file).into_model().into_runnable()
    return lambda images: tuple(one.to_numpy() for one in model.run([images]))


def tinygrad(file: str) -> Answer:
    """Which compiles by clang; the first batch binds the size of all others, so each gets a runner of its own."""
    runner = importlib.import_module("tinygrad.nn.onnx").OnnxRunner(file)
    tensor = importlib.import_module("tinygrad").Tensor

    def answer(images: Any) -> tuple[Any, Any]:
        result = runner({"images": tensor(images)})
        return result["probabilities"].numpy(), result["digit"].numpy()

    return answer


def onnx2torch(file: str) -> Answer:
    """Makes a PyTorch module of it. It imports torchvision for two operators, which no file of ours has."""
    for name in ("torchvision", "torchvision.ops"):
        sys.modules[name] = MagicMock()
    torch = importlib.import_module("torch")
    module = importlib.import_module("onnx2torch").convert(file)
    return lambda images: tuple(one.detach().numpy() for one in module(torch.from_numpy(images)))


LOADERS: dict[str, Loader] = {
    one.__name__: one for one in (onnxruntime, reference, opencv, openvino, openvino_f32, tract, tinygrad, onnx2torch)
}


def tried(load: Loader, file: str, images: Any, expected: Any) -> dict[str, Any]:
    """Return how far the probabilities are off, how many digits are wrong, and whether other batch sizes go too."""
    sizes: list[int] = []
    off, wrong = 0.0, 0
    try:
        answer = load(file)
        for n in BATCHES:
            try:
                p, digits = map(np.asarray, answer(images[:n]))
            except Exception:
                if not sizes:
                    raise
                continue
            sizes.append(n)
            if digits.size != n or p.shape != expected[:n].shape:
                return {"error": f"shapes {p.shape}, {digits.shape}"}
            off = max(off, float(np.abs(p - expected[:n]).max()))
            wrong += int((digits.ravel() != expected[:n].argmax(axis=1)).sum())
    except Exception as error:  # whatever a runtime may raise
        return {"error": " ".join(f"{type(error).__name__}: {error}".split())[:200]}
    return {"off": off, "wrong": wrong, "batches": len(sizes) == len(BATCHES), "type": p.dtype.name}


def main() -> None:
    """Try all files of the folder."""
    load, folder = LOADERS[sys.argv[1]], Path(sys.argv[2])
    warnings.simplefilter("ignore")
    os.environ.setdefault("DEV", "CPU")  # tinygrad's
    result = {}
    for file in sorted(folder.glob("*.onnx")):
        kept = np.load(file.with_suffix(".npz"))
        cases = {"bytes": ("images", "p"), "floats": ("floats", "p_floats")}
        result[file.stem] = {case: tried(load, str(file), kept[x], kept[p]) for case, (x, p) in cases.items()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
