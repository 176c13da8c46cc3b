#!/usr/bin/env bash
# OpenVINO 2026.4.1: an array of another type than the model's input is cast without a word, and doubles are no doubles.
#
# Guessed: a float array for an input of bytes is refused, as ONNX Runtime and OpenCV 5 do; a model of doubles is computed
# in doubles, or refused.
# Seen: 0.9 arrives as 0 and 254.9 as 254. A model that multiplies doubles by 1/3 gives doubles that are off by 8e-8, as
# floats are (in the setting f32; by 1e-3 where bfloat16 is the default).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check openvino==2026.4.1 onnx==1.23.2 numpy==2.4.6
cd "$folder" && "$folder/venv/bin/python" - <<'END'
import numpy as np
import openvino
from onnx import TensorProto, helper, numpy_helper

core = openvino.Core()
print("OpenVINO", openvino.__version__)


def answer(node, kinds, x, *constants):
    inputs, outputs = (
        helper.make_tensor_value_info(name, kind, ["n"]) for name, kind in zip(("x", "y"), kinds, strict=True)
    )
    graph = helper.make_graph([node], "graph", [inputs], [outputs], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return compiled(x)["y"]


cast = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)
bytes_of = answer(cast, (TensorProto.UINT8, TensorProto.FLOAT), np.array([0.9, 1.5, 254.9], np.float32))
print("floats 0.9, 1.5, 254.9 for an input of bytes:", bytes_of.tolist())
assert bytes_of.tolist() == [0, 1, 254]
third = numpy_helper.from_array(np.array(1 / 3), "third")
multiply = helper.make_node("Mul", ["x", "third"], ["y"])
x = np.arange(1, 1001, dtype=float)
y = answer(multiply, (TensorProto.DOUBLE, TensorProto.DOUBLE), x, third)
off = float(np.abs(y / (x / 3) - 1).max())
print(f"doubles: of type {y.dtype}, off by {off:.0e}")
assert y.dtype == np.float64 and 1e-9 < off < 1e-6
END
