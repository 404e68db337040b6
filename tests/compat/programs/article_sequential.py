"""The article's classifier, the sequential way, as such programs are written: TensorFlow, pandas, plots."""

import sys

import matplotlib.pyplot as plt
import pandas as pd
import tensorflow as tf

limit, epochs = int(sys.argv[1]), int(sys.argv[2])
(X_full, y_full), (X_test, y_test) = tf.keras.datasets.fashion_mnist.load_data()
X_full, y_full = X_full[:limit], y_full[:limit]
X_test, y_test = X_test[: limit // 5], y_test[: limit // 5]
X_train, y_train = X_full[: -limit // 10] / 255.0, y_full[: -limit // 10]
X_valid, y_valid = X_full[-limit // 10 :] / 255.0, y_full[-limit // 10 :]
X_test = X_test / 255.0
names = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Boot",
]

plt.figure(figsize=(3, 3))
for i in range(4):
    plt.subplot(2, 2, i + 1)
    plt.imshow(X_train[i], cmap=plt.cm.binary)
    plt.xlabel(names[y_train[i]])
plt.show()

tf.random.set_seed(42)
model = tf.keras.Sequential(
    [
        tf.keras.layers.Flatten(input_shape=[28, 28]),
        tf.keras.layers.Dense(300, activation="relu"),
        tf.keras.layers.Dense(100, activation="relu"),
        tf.keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(loss="sparse_categorical_crossentropy", optimizer="sgd", metrics=["accuracy"])
history = model.fit(X_train, y_train, epochs=epochs, validation_data=(X_valid, y_valid), verbose=0)
test_loss, test_acc = model.evaluate(X_test, y_test, verbose=0)
print(f"Test accuracy: {test_acc:.4f}")

pd.DataFrame(history.history).plot(figsize=(4, 3))
plt.grid(True)
plt.gca().set_ylim(0, 1)
plt.show()

predicted = model.predict(X_test, verbose=0)
print(predicted.shape, names[predicted[0].argmax()])
