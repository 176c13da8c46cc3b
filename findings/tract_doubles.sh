#!/usr/bin/env bash
# tract 0.23.9: a Gemm of doubles cannot be loaded.
#
# Guessed: it can, as tract has doubles and computes a MatMul of them.
# Seen: TractError: running pass PropConst … "y.beta_c" Mul …: tensor is F32, accessed as F64. The factor beta, which is an
# attribute and so a float32, is not cast. MatMul and Add of doubles are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check tract==0.23.9 onnx==1.23.2 numpy==2.4.6
cd "$folder" && "$folder/venv/bin/python" - <<'END'
import numpy as np
import tract
from onnx import TensorProto, helper, numpy_helper, save

DOUBLE = TensorProto.DOUBLE
w, b = np.arange(6.0).reshape(3, 2), np.array([0.5, 0.25])


def load(*nodes):
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", DOUBLE, ["n", 3])],
        [helper.make_tensor_value_info("y", DOUBLE, ["n", 2])],
        [numpy_helper.from_array(w, "w"), numpy_helper.from_array(b, "b")],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "net.onnx")
    return tract.onnx().load("net.onnx").into_model().into_runnable()


print("tract", tract.version())
try:
    load(helper.make_node("Gemm", ["x", "w", "b"], ["y"]))
except tract.TractError as error:
    said = " ".join(str(error).split()).partition(" Stack")[0]
    print("Gemm:", said)
    assert "tensor is F32, accessed as F64" in said
else:
    raise AssertionError("a Gemm of doubles is loaded")
x = np.array([[1.0, 2.0, 3.0]])
nodes = helper.make_node("MatMul", ["x", "w"], ["z"]), helper.make_node("Add", ["z", "b"], ["y"])
(y,) = load(*nodes).run([x])
print("MatMul and Add:", y.to_numpy().tolist())
assert np.array_equal(y.to_numpy(), x @ w + b)
END
