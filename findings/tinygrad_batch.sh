#!/usr/bin/env bash
# tinygrad 0.14.0, OnnxRunner: the first batch binds the size of all others.
#
# Guessed: an input declared as ["n", 3] takes any number of rows at each call, as in every other runtime.
# Seen: after a call with 4 rows one with 2 raises RuntimeError: input x has mismatch on dim=0. Expected 4, received 2.
# A runner for each size is needed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check tinygrad==0.14.0 onnx==1.23.2 numpy==2.4.6
cd "$folder" && "$folder/venv/bin/python" - <<'END'
import numpy as np
from onnx import TensorProto, helper, save
from tinygrad import Tensor
from tinygrad.nn.onnx import OnnxRunner

values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3]) for name in ("x", "y")]
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "graph", values[:1], values[1:])
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "relu.onnx")
runner = OnnxRunner("relu.onnx")
print(runner({"x": Tensor(np.ones((4, 3), np.float32))})["y"].shape)
try:
    runner({"x": Tensor(np.ones((2, 3), np.float32))})
except RuntimeError as error:
    print("RuntimeError:", error)
    assert "Expected 4, received 2" in str(error)
else:
    raise AssertionError("two rows are taken after four")
assert OnnxRunner("relu.onnx")({"x": Tensor(np.ones((2, 3), np.float32))})["y"].shape == (2, 3)
END
