# requires: torch==2.13.0 keras==3.15.1
"""Keras' CSVLogger, called as fit calls it: the toy's runs, and logs that were appended to; and one of fit itself."""

import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
from keras.callbacks import CSVLogger
from toy import runs


def fit(logger, history):
    """Have epochs logged; fit gives the callback one table an epoch, counted from 0."""
    logger.on_train_begin()
    for epoch, figures in history:
        logger.on_epoch_end(epoch, figures)
    logger.on_train_end()


folder = Path(sys.argv[1])
for run in runs():
    own = run["settings"]
    place = folder / "toy" / f"lr-{own['lr']}_width-{own['width']}_seed-{own['seed']}"
    place.mkdir(parents=True)
    fit(CSVLogger(place / "training.log"), [(epoch - 1, figures) for epoch, figures in run["history"]])

appended = folder / "appended"
appended.mkdir()
first = [(epoch, {"accuracy": 0.5 + 0.1 * epoch, "loss": 1.0 - 0.1 * epoch}) for epoch in range(4)]
# It crashed after the fourth epoch and went on from the second.
again = [(epoch, {"accuracy": 0.25 + 0.125 * epoch, "loss": 0.5 - 0.125 * epoch}) for epoch in range(2, 4)]
fit(CSVLogger(appended / "crashed.log"), first)
fit(CSVLogger(appended / "crashed.log", append=True), again)
# The second fit logs one more metric, the rate, as callbacks do that change it: a value more in each row.
more = [(epoch, {**figures, "learning_rate": 0.125}) for epoch, figures in again]
fit(CSVLogger(appended / "more.log"), first)
fit(CSVLogger(appended / "more.log", append=True), more)
lists = [(0, {"loss": float("nan"), "rates": np.array([0.5, 0.25])}), (1, {"loss": np.float32(0.1)})]
fit(CSVLogger(appended / "lists.csv", separator=";"), lists)

model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")])
model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
inputs, outputs = np.eye(2, dtype="float32"), np.array([[0.3], [0.7]], dtype="float32")
log = CSVLogger(folder / "fit.log")
model.fit(inputs, outputs, epochs=3, batch_size=2, validation_data=(inputs, outputs), callbacks=[log], verbose=0)
