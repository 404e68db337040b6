"""What Keras 2 took: `lr`, `weights`, `workers`, `reset_states`, and its names of modules."""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"
import warnings

import numpy as np
import tensorflow as tf
from tensorflow.keras import backend as K
from tensorflow.keras.layers import BatchNormalization, Dense, Embedding, Flatten, LeakyReLU
from tensorflow.keras.layers.experimental import preprocessing
from tensorflow.keras.models import Sequential

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
vectors = rng.normal(size=(10, 4)).astype("float32")
x = rng.integers(0, 10, size=(32, 3))
y = (x.sum(axis=1, keepdims=True) > 13).astype("float32")
model = Sequential(
    [
        Embedding(10, 4, weights=[vectors], input_length=3, trainable=False),
        Flatten(),
        Dense(5, weights=[rng.normal(size=(12, 5)).astype("float32"), np.zeros(5, "float32")]),
        LeakyReLU(alpha=0.2),
        BatchNormalization(fused=False),
        Dense(
            1,
            activation="sigmoid",
            weights=[rng.normal(size=(5, 1)).astype("float32"), np.zeros(1, "float32")],
        ),
    ]
)
model.compile(tf.keras.optimizers.legacy.SGD(lr=0.1), "binary_crossentropy", metrics=["accuracy"])
log = model.fit(
    x, y, batch_size=8, epochs=2, shuffle=False, verbose=0, workers=1, use_multiprocessing=False
)
print(
    "losses",
    np.round(log.history["loss"], 4).tolist(),
    "embedding kept",
    (model.layers[0].get_weights()[0] == vectors).all(),
)
print("rate", round(float(K.get_value(model.optimizer.lr)), 4))
K.set_value(model.optimizer.lr, 0.01)
print("rate", round(float(K.get_value(model.optimizer.lr)), 4), K.learning_phase())
mean = tf.keras.metrics.Mean()
mean.update_state([1.0, 3.0])
print("mean", float(mean.result()))
mean.reset_states()
mean.update_state(7.0)
print("mean", float(mean.result()))
layer = preprocessing.Normalization()
layer.adapt(np.array([[1.0], [3.0]], "float32"))
print("normalized", np.asarray(layer(np.array([[5.0]], "float32"))).tolist())
loss = tf.keras.losses.MeanSquaredError(reduction=tf.keras.losses.Reduction.NONE)
print("each", np.asarray(loss([[1.0], [2.0]], [[2.0], [4.0]])).tolist())
rates = tf.keras.experimental.CosineDecay
print("schedule", round(float(rates(0.1, 10)(5)), 4))
