#!/usr/bin/env bash
# ONNX Runtime 1.32.0, CPU: a valid model of doubles cannot be loaded for the lack of a kernel, and no checker tells.
#
# Guessed: what the format allows of doubles, and onnx's own checker and evaluator take, the runtime computes: it has
# Tanh and Sigmoid of doubles.
# Seen: of Elu, Selu, Softplus, Softsign, HardSigmoid, Erf and Sinh there is none ("NOT_IMPLEMENTED"); all are there for floats.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cd "$folder" && "$folder/venv/bin/python" - <<'END'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator


def loads(operator, kind, dtype):
    values = [helper.make_tensor_value_info(name, kind, ["n"]) for name in ("z", "a")]
    graph = helper.make_graph([helper.make_node(operator, ["z"], ["a"])], "graph", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    assert np.isfinite(ReferenceEvaluator(model).run(None, {"z": np.array([0.5], dtype)})[0]).all()
    try:
        onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
        return "NOT_IMPLEMENTED"
    return "loads"


for operator in ("Elu", "Selu", "Softplus", "Softsign", "HardSigmoid", "Erf", "Sinh", "Tanh", "Sigmoid"):
    doubles, floats = loads(operator, TensorProto.DOUBLE, "float64"), loads(operator, TensorProto.FLOAT, "float32")
    print(f"{operator}: doubles {doubles}; floats {floats}")
    assert floats == "loads" and (doubles == "loads") == (operator in ("Tanh", "Sigmoid"))
END
