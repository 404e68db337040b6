"""Data that comes in batches: a Python generator, a `Sequence`, and `ImageDataGenerator`'s arrays."""

import math
import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"
import numpy as np
import tensorflow as tf
from tensorflow.keras.layers import Conv2D, Dense, GlobalAveragePooling2D, MaxPooling2D
from tensorflow.keras.preprocessing.image import ImageDataGenerator
from tensorflow.keras.utils import Sequence, normalize, to_categorical

rng = np.random.default_rng(12)
images = rng.integers(0, 256, size=(24, 8, 8, 3)).astype("uint8")
labels = to_categorical(np.arange(24) % 3)


class Batches(Sequence):
    def __init__(self, x, y, batch_size):
        self.x, self.y, self.batch_size = x, y, batch_size

    def __len__(self):
        return math.ceil(len(self.x) / self.batch_size)

    def __getitem__(self, i):
        part = slice(i * self.batch_size, (i + 1) * self.batch_size)
        return self.x[part] / 255.0, self.y[part]


def endless(x, y, batch_size):
    while True:
        for i in range(0, len(x), batch_size):
            yield x[i : i + batch_size] / 255.0, y[i : i + batch_size]


model = tf.keras.models.Sequential()
model.add(Conv2D(4, (3, 3), activation="relu", input_shape=(8, 8, 3), padding="same"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(GlobalAveragePooling2D())
model.add(Dense(3, activation="softmax"))
model.set_weights([(0.5 * rng.normal(size=w.shape)).astype("float32") for w in model.get_weights()])
model.compile(
    optimizer=tf.keras.optimizers.RMSprop(0.01),
    loss="categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(Batches(images, labels, 7), epochs=2, shuffle=False, verbose=0)
print("a sequence", np.round(history.history["loss"], 4).tolist())
history = model.fit(endless(images, labels, 8), steps_per_epoch=3, epochs=2, verbose=0)
print("a generator", np.round(history.history["loss"], 4).tolist())
flow = ImageDataGenerator(rescale=1 / 255).flow(images, labels, batch_size=6, shuffle=False)
history = model.fit(
    flow, epochs=1, shuffle=False, verbose=0, validation_data=Batches(images, labels, 12)
)
print(
    "a flow",
    len(flow),
    np.round([history.history["loss"][0], history.history["val_loss"][0]], 4).tolist(),
)
print("evaluated", np.round(model.evaluate(Batches(images, labels, 5), verbose=0), 4).tolist())
print("predicted", model.predict(Batches(images, labels, 5), verbose=0)[:2])
print("normalized", normalize(np.array([[3.0, 4.0], [0.0, 2.0]]), axis=1).tolist())
