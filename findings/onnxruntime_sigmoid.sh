#!/usr/bin/env bash
# ONNX Runtime 1.32.0, CPU: Sigmoid is right to so many digits after the point, not to so many digits of its value.
#
# Guessed: Sigmoid of doubles is off by a few units in the last place, as 1 / (1 + e^-z) is.
# Seen: at −30 it is off by a thousandth of its value, at −37 it is 0 (true: 8.5e-17). Of floats it is 0 at −18 (true:
# 1.5e-8). Exp, Add and Div as nodes of their own are right to the last digits.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cd "$folder" && "$folder/venv/bin/python" - <<'END'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

KINDS = {"float64": TensorProto.DOUBLE, "float32": TensorProto.FLOAT}


def run(nodes, z, constants=()):
    values = [helper.make_tensor_value_info(name, KINDS[z.dtype.name], ["n"]) for name in ("z", "a")]
    graph = helper.make_graph(nodes, "graph", values[:1], values[1:], list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"z": z})[0]


def composed(z):
    one = numpy_helper.from_array(np.ones(1, z.dtype), "one")
    nodes = [("Neg", ["z"], "m"), ("Exp", ["m"], "e"), ("Add", ["e", "one"], "s"), ("Div", ["one", "s"], "a")]
    return run([helper.make_node(name, inputs, [output]) for name, inputs, output in nodes], z, [one])


for dtype, values in (("float64", [-20.0, -30.0, -37.0]), ("float32", [-5.0, -15.0, -18.0])):
    z = np.array(values, dtype)
    true = 1 / (1 + np.exp(-z.astype(np.longdouble)))
    node = run([helper.make_node("Sigmoid", ["z"], ["a"])], z)
    off, off_composed = (np.abs(a.astype(np.longdouble) / true - 1).astype(float) for a in (node, composed(z)))
    print(dtype, "z", values, "Sigmoid", node.tolist(), "off by", off, "composed, off by", off_composed)
    assert node[2] == 0 < true[2] and off[1] > 1e-4 and (off_composed < 8 * np.finfo(dtype).eps).all()
END
