"""Rates that fall by epochs, early stopping, a callback of one's own: what happens, line by line."""

import csv
import tempfile
from pathlib import Path

import numpy as np
from tensorflow import keras

rng = np.random.default_rng(4)
x = rng.normal(size=(60, 4)).astype("float32")
y = np.tanh(x @ rng.normal(size=(4, 1))).astype("float32")
folder = Path(tempfile.mkdtemp())


def network():
    model = keras.models.Sequential()
    model.add(keras.layers.Input(shape=(4,)))
    model.add(keras.layers.Dense(8, activation="tanh", kernel_initializer="ones"))
    model.add(
        keras.layers.Dense(
            1, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(0.1)
        )
    )
    model.layers[0].set_weights(
        [np.random.default_rng(1).normal(size=(4, 8)).astype("float32"), np.zeros(8, "float32")]
    )
    return model


class Watcher(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        print(
            "starts with", self.model.count_params(), "weights for", self.params["epochs"], "epochs"
        )

    def on_epoch_begin(self, epoch, logs=None):
        self.batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1

    def on_epoch_end(self, epoch, logs=None):
        rate = float(keras.backend.get_value(self.model.optimizer.learning_rate))
        print(
            f"epoch {epoch}: {self.batches} batches, rate {rate:.4f}, loss {logs['loss']:.4f}, val_loss {logs['val_loss']:.4f}"
        )

    def on_train_end(self, logs=None):
        print("ends")


def exponential_decay(lr0, s):
    return lambda epoch: lr0 * 0.1 ** (epoch / s)


model = network()
model.compile(loss="mse", optimizer=keras.optimizers.SGD(learning_rate=0.1), metrics=["mae"])
history = model.fit(
    x[:40],
    y[:40],
    epochs=4,
    batch_size=10,
    shuffle=False,
    verbose=0,
    validation_data=(x[40:], y[40:]),
    callbacks=[
        keras.callbacks.LearningRateScheduler(exponential_decay(0.1, 3)),
        keras.callbacks.CSVLogger(folder / "log.csv"),
        keras.callbacks.ModelCheckpoint(folder / "best.keras", save_best_only=True),
        Watcher(),
    ],
)
print("rates", np.round(history.history["learning_rate"], 5).tolist())
with open(folder / "log.csv") as file:
    print("columns", next(csv.reader(file)))
best = keras.models.load_model(folder / "best.keras")
print(
    "best",
    np.round(best.evaluate(x[40:], y[40:], verbose=0), 4).tolist(),
    best.predict(x[:2], verbose=0).ravel(),
)

model = network()
schedule = keras.optimizers.schedules.PiecewiseConstantDecay([4, 8], [0.05, 0.01, 0.001])
model.compile(loss=keras.losses.Huber(), optimizer=keras.optimizers.Adam(schedule, beta_1=0.8))
stop = keras.callbacks.EarlyStopping(
    monitor="loss", min_delta=0.05, patience=1, restore_best_weights=True
)
history = model.fit(x, y, epochs=20, batch_size=15, shuffle=False, verbose=0, callbacks=[stop])
print("stopped after", len(history.epoch), np.round(history.history["loss"], 4).tolist())
plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1, min_delta=0.1)
model.compile(loss="mse", optimizer=keras.optimizers.SGD(0.04))
history = model.fit(x, y, epochs=4, batch_size=20, shuffle=False, verbose=0, callbacks=[plateau])
print("plateaus", np.round(history.history["learning_rate"], 4).tolist())
