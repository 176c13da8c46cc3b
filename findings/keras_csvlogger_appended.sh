#!/usr/bin/env bash
# Keras 3.15.1: a second fit that appends to a CSV log puts its figures under the names of the first one's.
#
# What one would guess: CSVLogger(file, append=True) goes on with the columns that stand in the file, or refuses.
# Seen: the columns of a fit are its metrics in alphabetical order, and the line of names is written once, by the first fit. A
# second fit that has another metric in the place of one (here "accuracy" for "mistakes") writes its figures under the old names,
# in a file that every reader takes: an accuracy stands in the column loss. One metric more, such as the learning_rate that
# callbacks add which change it, moves all that follow it by a column, and rows are longer than the line of names. Epochs are
# counted from 0 again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 keras==3.15.1

cd "$folder"
KERAS_BACKEND=torch "$folder/venv/bin/python" - << 'PYTHON'
import csv

import keras
import numpy as np

inputs, outputs = np.eye(4, dtype="float32"), np.array([[0.0], [0.0], [1.0], [1.0]], dtype="float32")


def fit(metric, more=()):
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer="sgd", loss="binary_crossentropy", metrics=[metric])
    log = keras.callbacks.CSVLogger("training.log", append=True)
    model.fit(inputs, outputs, epochs=1, validation_data=(inputs, outputs), callbacks=[*more, log], verbose=0)
    return log.keys


first = fit(keras.metrics.BinaryAccuracy(name="mistakes"))
second = fit(keras.metrics.BinaryAccuracy(name="accuracy"))
third = fit(keras.metrics.BinaryAccuracy(name="mistakes"), [keras.callbacks.ReduceLROnPlateau(monitor="loss")])
with open("training.log", newline="") as file:
    names, *rows = csv.reader(file)
for line in (names, *rows):
    print(",".join(line))
print("the second fit's own columns:", second)
print("the third fit's own columns: ", third)
assert names[1:] == first and names[1] == "loss" and second[0] == "accuracy" and names[1:] != second
assert [row[0] for row in rows] == ["0", "0", "0"]
assert len(rows[1]) == len(names) and float(rows[1][1]) in (0.0, 0.25, 0.5, 0.75, 1.0)  # an accuracy, under "loss"
assert len(rows[2]) == len(names) + 1 and third[0] == "learning_rate" and float(rows[2][1]) == np.float32(0.01)
PYTHON
