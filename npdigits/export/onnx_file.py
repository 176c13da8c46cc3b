"""The network as an ONNX file: for ONNX Runtime, and whatever else reads that format (opset 17).

images (n, pixels), bytes → float → · 1/255 → [Gemm → activation] … → Gemm → Softmax → probabilities (n, classes)
                                                                             → ArgMax  → digit (n,)
"""

import json
from importlib import metadata
from typing import Any

import numpy as np

from npdigits.assembly import BYTES
from npdigits.errors import ConfigError
from npdigits.trained import Trained

OPSET, IR_VERSION = 17, 8
MISSING = 'the package onnx is not installed: pip install "npdigits[onnx]"'
OPERATORS = {"leaky_relu": "LeakyRelu", "relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}


def onnx_file(run: Trained) -> bytes:
    """Return the file: the best epoch's network, with configuration, data set and metrics as its metadata.

    Raises:
        ConfigError: the package onnx is missing.
    """
    try:
        import onnx
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        raise ConfigError(f"--onnx: {MISSING}") from error
    dtype = run.network.parameters.flat.dtype
    kind = helper.np_dtype_to_tensor_dtype(dtype)
    constants = {"scale": np.array(BYTES, dtype)}
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=kind),
        helper.make_node("Mul", ["floats", "scale"], ["a0"]),
    ]
    layers = list(zip(run.network.parameters.weights, run.network.parameters.biases, strict=True))
    for i, (w, b) in enumerate(layers, start=1):
        constants |= {f"W{i}": w, f"b{i}": b}
        nodes.append(helper.make_node("Gemm", [f"a{i - 1}", f"W{i}", f"b{i}"], [f"z{i}"], transB=1))
        if i < len(layers):
            leak: dict[str, Any] = {"alpha": run.config.leak} if run.config.activation == "leaky_relu" else {}
            nodes.append(helper.make_node(OPERATORS[run.config.activation], [f"z{i}"], [f"a{i}"], **leak))
    last = f"z{len(layers)}"
    nodes.append(helper.make_node("Softmax", [last], ["probabilities"], axis=1))
    nodes.append(helper.make_node("ArgMax", [last], ["digit"], axis=1, keepdims=0))
    graph = helper.make_graph(
        nodes,
        "npdigits",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", run.sizes[0]])],
        [
            helper.make_tensor_value_info("probabilities", kind, ["n", run.sizes[-1]]),
            helper.make_tensor_value_info("digit", TensorProto.INT64, ["n"]),
        ],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph,
        producer_name="npdigits",
        producer_version=metadata.version("npdigits"),
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    helper.set_model_props(model, _metadata(run))
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _metadata(run: Trained) -> dict[str, str]:
    """Return what the file says of where it comes from."""
    figures = [f"{name}_{figure}" for name in ("train", "val", "test") for figure in ("cost", "accuracy")]
    config = run.config.as_dict()
    del config["data"], config["out"], config["resume"]  # paths of this machine
    return {
        "config": json.dumps(config),
        "data": str(run.summary["data"]),
        "data_sha256": str(run.summary["data_sha256"]),
        "metrics": json.dumps({name: run.summary.get(name) for name in ("status", "best_epoch", *figures)}),
        "identity": str(run.summary["identity"]),
    }
