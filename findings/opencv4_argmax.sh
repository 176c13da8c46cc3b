#!/usr/bin/env bash
# OpenCV 4.14.0, dnn: an ArgMax that drops its axis, beside a Softmax of the same values, gives no indices.
#
# Guessed: the indices, or an error when the file is read. Both operators are among the oldest of ONNX.
# Seen: with keepdims=0 numbers that nobody computed, others at each run (4.5e-43, 0.0, -1.5e-29 …), without a word: of
# 1056 indices 1056 are wrong. With keepdims=1 none is. Without the Softmax both are right. OpenCV 5.0.0 is right in all
# four cases.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check opencv-python-headless==4.14.0.94 onnx==1.23.2 numpy==2.4.6
cd "$folder" && "$folder/venv/bin/python" - <<'END'
import cv2
import numpy as np
from onnx import TensorProto, helper


def wrong(keepdims, softmax, n):
    """Return how many of n indices are not the largest value's."""
    nodes = [helper.make_node("ArgMax", ["x"], ["i"], axis=1, keepdims=keepdims)]
    outputs = [helper.make_tensor_value_info("i", TensorProto.INT64, ["n", 1] if keepdims else ["n"])]
    if softmax:
        nodes.insert(0, helper.make_node("Softmax", ["x"], ["p"], axis=1))
        outputs.insert(0, helper.make_tensor_value_info("p", TensorProto.FLOAT, ["n", 5]))
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 5])]
    graph = helper.make_graph(nodes, "graph", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    net = cv2.dnn.readNetFromONNX(np.frombuffer(model.SerializeToString(), np.uint8))
    largest = 1 + np.arange(n) % 4
    net.setInput(np.eye(5, dtype=np.float32)[largest])
    return int((net.forward(["i"])[0].ravel() != largest).sum())


print("OpenCV", cv2.__version__)
seen = {(keep, soft): sum(wrong(keep, soft, n) for n in (1000, 50, 6)) for keep in (0, 1) for soft in (1, 0)}
for (keep, soft), n in seen.items():
    print(f"keepdims={keep}, {'beside a Softmax' if soft else 'alone'}: {n} of 1056 wrong")
assert seen[0, 1] > 500 and seen[0, 0] == seen[1, 0] == seen[1, 1] == 0
END
