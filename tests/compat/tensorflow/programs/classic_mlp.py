"""The first network of many books, in the words of Keras 2: older imports, older arguments, `acc`."""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"
import numpy as np
from tensorflow.keras.layers import Activation, Dense, Dropout, Flatten
from tensorflow.keras.models import Sequential
from tensorflow.keras.optimizers import SGD
from tensorflow.keras.utils import to_categorical

rng = np.random.default_rng(1)
digits = rng.normal(size=(10, 8, 8))
y = np.arange(200) % 10
x = (digits[y] + 0.5 * rng.normal(size=(200, 8, 8))).astype("float32")
labels = to_categorical(y, num_classes=10)

model = Sequential()
model.add(Flatten(input_shape=(8, 8)))
model.add(Dense(32, input_dim=64))
model.add(Activation("relu"))
model.add(Dropout(0.0))
model.add(Dense(10, activation="softmax"))
model.set_weights(
    [rng.normal(size=w.shape, scale=0.1).astype("float32") for w in model.get_weights()]
)
model.compile(
    loss="categorical_crossentropy",
    optimizer=SGD(learning_rate=0.5, momentum=0.9, nesterov=True),
    metrics=["acc"],
)
history = model.fit(
    x, labels, batch_size=50, epochs=4, verbose=0, validation_split=0.2, shuffle=False
)
print(sorted(history.history))
for name in ("loss", "acc", "val_loss", "val_acc"):
    print(name, np.round(history.history[name], 4).tolist())
loss, accuracy = model.evaluate(x[160:], labels[160:], batch_size=10, verbose=0)
print("evaluated", round(float(loss), 4), round(float(accuracy), 4))
print(
    "classes",
    np.argmax(model.predict(x[:10], verbose=0), axis=-1).tolist(),
    "of",
    model.count_params(),
    "weights",
)
