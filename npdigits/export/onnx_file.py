"""The network as an ONNX file: for ONNX Runtime, and whatever else reads that format (opset 17).

images (n, pixels), 0 … 255 → float → · 1/255 → [Gemm → activation] … → Gemm → · 1/T → Softmax → probabilities
                                                                             → ArgMax → Reshape → digit (n,)

with the probabilities' shape (n, classes); where the temperature T is 1, nothing is multiplied by it.
"""

import json
from importlib import metadata
from typing import Any

import numpy as np

from npdigits.base.errors import ConfigError
from npdigits.config.build import BYTES
from npdigits.export import proof
from npdigits.export.formula import Formula
from npdigits.export.onnx_activations import OPERATORS, Nodes
from npdigits.export.own import formula_of, images_to_try
from npdigits.runs.trained import Trained

OPSET, IR_VERSION = 17, 8
MISSING = 'the package onnx is not installed: pip install "npdigits[onnx]"'
# A message of the format holds at most 2 GiB, names and shapes included.
MOST_BYTES = 2**31 - 2**20


def onnx_file(run: Trained) -> bytes:
    """Return the file: the best epoch's network, with configuration, data set and metrics as its metadata.

    onnx's own evaluator has computed the file, and it answers as the network does.

    Raises:
        ConfigError: the package onnx is missing, or the format cannot hold this network, or not its own activation.
    """
    try:
        import onnx
        from onnx import helper
        from onnx.reference import ReferenceEvaluator
    except ImportError as error:
        raise ConfigError(f"--onnx: {MISSING}") from error
    activation, flat = run.config.activation, run.network.parameters.flat
    own = formula_of("onnx", run)
    if run.config.hidden and own is None and activation not in OPERATORS:
        allowed = ", ".join(OPERATORS)
        raise ConfigError(f"--onnx: activation={activation}: the file has no operator for it; allowed are {allowed}")
    if flat.nbytes > MOST_BYTES:
        raise ConfigError(f"--onnx: {flat.nbytes:,} bytes of weights: allowed are {MOST_BYTES:,} in one file")
    model = helper.make_model(
        _graph(run, own),
        producer_name="npdigits",
        producer_version=metadata.version("npdigits"),
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    helper.set_model_props(model, _metadata(run))
    onnx.checker.check_model(model, full_check=True)
    images = images_to_try(run, own).astype(_input_type(run))
    with np.errstate(all="ignore"):  # its sigmoid computes both sides of 0 everywhere
        answers = ReferenceEvaluator(model).run(["probabilities", "digit"], {"images": images})
    p, digits = map(np.asarray, answers)
    proof.refuse_other_answers("onnx", run, images, p, digits)
    return bytes(model.SerializeToString())


def _graph(run: Trained, own: Formula | None) -> Any:
    """Return the nodes, from the images to the answers, and the weights."""
    from onnx import TensorProto, helper, numpy_helper

    dtype = run.network.parameters.flat.dtype
    kind = helper.np_dtype_to_tensor_dtype(dtype)
    nodes = Nodes(dtype)
    nodes.constants |= {"scale": np.array(BYTES, dtype), "flat": np.array([-1])}
    nodes.add("Cast", ["images"], "floats", to=kind)
    nodes.add("Mul", ["floats", "scale"], "a0")
    layers = list(zip(run.network.parameters.weights, run.network.parameters.biases, strict=True))
    for i, (w, b) in enumerate(layers, start=1):
        nodes.constants |= {f"W{i}": w, f"b{i}": b}
        nodes.add("Gemm", [f"a{i - 1}", f"W{i}", f"b{i}"], f"z{i}", transB=1)
        if i < len(layers) and own is not None:
            added, constants = own.onnx_nodes(f"z{i}", f"a{i}", dtype)
            nodes.list += added
            nodes.constants |= constants
        elif i < len(layers):
            OPERATORS[run.config.activation](nodes, f"z{i}", f"a{i}", run.config.leak)
    last = f"z{len(layers)}"
    tempered = last
    if run.temperature != 1:
        tempered, nodes.constants["coldness"] = "tempered", np.array(1 / run.temperature, dtype)
        nodes.add("Mul", [last, "coldness"], tempered)
    nodes.add("Softmax", [tempered], "probabilities", axis=1)
    # The axis is kept, as OpenCV 4 reads something else where it is not.
    nodes.add("ArgMax", [last], "column", axis=1, keepdims=1)
    nodes.add("Reshape", ["column", "flat"], "digit")
    return helper.make_graph(
        nodes.list,
        "npdigits",
        [
            helper.make_tensor_value_info(
                "images", helper.np_dtype_to_tensor_dtype(_input_type(run)), ["n", run.sizes[0]]
            )
        ],
        [
            helper.make_tensor_value_info("probabilities", kind, ["n", run.sizes[-1]]),
            helper.make_tensor_value_info("digit", TensorProto.INT64, ["n"]),
        ],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in nodes.constants.items()],
    )


def _input_type(run: Trained) -> Any:
    """Return the type of the images: bytes where the run's own were, else the network's, as decimals are no bytes."""
    return np.dtype("uint8") if run.of_bytes else run.network.parameters.flat.dtype


def _metadata(run: Trained) -> dict[str, str]:
    """Return the file's account of its origin, and of what goes in and comes out."""
    figures = [f"{name}_{figure}" for name in ("train", "val", "test") for figure in ("cost", "accuracy")]
    config = run.config.as_dict()
    del config["data"], config["out"], config["resume"]  # paths of this machine
    named = {name: getattr(run.summary, name) for name in ("classes", "reading", "temperature")}
    return {
        "config": json.dumps(config),
        "data": run.summary.data,
        "data_sha256": run.summary.data_sha256,
        "metrics": json.dumps({name: getattr(run.summary, name) for name in ("status", "best_epoch", *figures)}),
        "identity": run.summary.identity,
        "input": json.dumps({"shape": run.summary.image_shape, "paper": 0, "ink": 255}),
        **{name: json.dumps(value, ensure_ascii=False) for name, value in named.items() if value is not None},
    }
