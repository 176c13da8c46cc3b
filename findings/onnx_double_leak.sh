#!/usr/bin/env bash
# ONNX, opset 17 (onnx 1.23.2, ONNX Runtime 1.32.0): a leak of doubles is a float32, as every attribute that is a number.
#
# Guessed: LeakyRelu of doubles is computed in doubles.
# Seen: alpha=0.2 is stored, and read back, as 0.20000000298023224, so that a layer of doubles is off by 1.5e-8 of its
# values. Mul and Max with a constant are exact.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cd "$folder" && "$folder/venv/bin/python" - <<'END'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

node = helper.make_node("LeakyRelu", ["x"], ["y"], alpha=0.2)
values = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n"]) for name in ("x", "y")]
graph = helper.make_graph([node], "graph", values[:1], values[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
(y,) = session.run(None, {"x": np.array([-1.0])})
print("alpha", node.attribute[0].f, "answer", y[0], y.dtype)
assert y.dtype == np.float64 and y[0] == -float(np.float32(0.2)) != -0.2
END
