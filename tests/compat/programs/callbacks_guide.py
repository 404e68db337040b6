"""Callbacks: when each hook is called and with what, stopping early, changing the learning rate."""

import keras
import numpy as np

rng = np.random.default_rng(5)
x = rng.normal(size=(32, 5)).astype("float32")
y = rng.normal(size=(32, 1)).astype("float32")


def get_model():
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    model.set_weights([np.linspace(-1.0, 1.0, 5).reshape(5, 1), np.zeros(1)])
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.1),
        loss="mean_squared_error",
        metrics=["mae"],
    )
    return model


class Witness(keras.callbacks.Callback):
    """Prints each call with the keys of its logs."""


def hook(name):
    def called(self, *args, logs=None):
        numbers = [a for a in args if isinstance(a, int)]
        logs = next((a for a in args if isinstance(a, dict)), logs)
        print(name, numbers, sorted(logs or {}))

    return called


for mode in ("train", "test", "predict"):
    for moment in ("begin", "end", "batch_begin", "batch_end"):
        name = f"on_{mode}_{moment}"
        setattr(Witness, name, hook(name))
for name in ("on_epoch_begin", "on_epoch_end"):
    setattr(Witness, name, hook(name))

model = get_model()
model.fit(x, y, batch_size=16, epochs=1, verbose=0, validation_split=0.5, callbacks=[Witness()])
model.evaluate(x, y, batch_size=16, verbose=0, callbacks=[Witness()])
model.predict(x, batch_size=16, verbose=0, callbacks=[Witness()])


class PrintLosses(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        print(f"batch {batch} loss {logs['loss']:.6f}")

    def on_epoch_end(self, epoch, logs=None):
        print(f"epoch {epoch} loss {logs['loss']:.6f} mae {logs['mae']:.6f}", self.model.name != "")


get_model().fit(x, y, batch_size=16, epochs=2, verbose=0, shuffle=False, callbacks=[PrintLosses()])


class StopAtMinimum(keras.callbacks.Callback):
    def __init__(self, patience=0):
        super().__init__()
        self.patience = patience
        self.best_weights = None

    def on_train_begin(self, logs=None):
        self.wait, self.stopped_epoch, self.best = 0, 0, np.inf

    def on_epoch_end(self, epoch, logs=None):
        current = logs.get("loss")
        if np.less(current, self.best):
            self.best, self.wait = current, 0
            self.best_weights = self.model.get_weights()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            self.model.set_weights(self.best_weights)

    def on_train_end(self, logs=None):
        print("stopped in epoch", self.stopped_epoch)


model = get_model()
model.optimizer.learning_rate = 0.9  # too much: the loss grows at once
history = model.fit(
    x, y, batch_size=8, epochs=6, verbose=0, shuffle=False, callbacks=[StopAtMinimum()]
)
print("epochs", len(history.history["loss"]), history.history["loss"][0])


class Schedule(keras.callbacks.Callback):
    def __init__(self, schedule):
        super().__init__()
        self.schedule = schedule

    def on_epoch_begin(self, epoch, logs=None):
        rate = self.model.optimizer.learning_rate
        rate = float(keras.ops.convert_to_numpy(rate))
        self.model.optimizer.learning_rate = self.schedule(epoch, rate)
        print("rate", float(np.asarray(self.model.optimizer.learning_rate)))


steps = {1: 0.05, 2: 0.01}
history = get_model().fit(
    x, y, epochs=3, verbose=0, shuffle=False, callbacks=[Schedule(lambda e, r: steps.get(e, r))]
)
print("loss", history.history["loss"])

# The ready-made ones.
stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=1, restore_best_weights=True)
plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1, min_delta=10.0)
model = get_model()
history = model.fit(
    x, y, epochs=6, verbose=0, shuffle=False, validation_split=0.5, callbacks=[stop, plateau]
)
print("ready-made", stop.stopped_epoch, history.history["val_loss"])
print("rates", history.history["learning_rate"])
