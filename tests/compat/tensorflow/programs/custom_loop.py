"""A training loop of one's own: compiled steps, metrics, batches out of `tf.data`, a learning rate that falls."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

rng = np.random.default_rng(3)
x = rng.normal(size=(96, 5)).astype("float32")
y = (x[:, :1] - x[:, 1:2] > 0).astype("int32").ravel() + (x[:, 2] > 0.8)
train = tf.data.Dataset.from_tensor_slices((x[:80], y[:80])).batch(16)
test = tf.data.Dataset.from_tensor_slices((x[80:], y[80:])).batch(16)

model = keras.Sequential(
    [
        keras.Input((5,)),
        keras.layers.Dense(8, activation="tanh"),
        keras.layers.BatchNormalization(),
        keras.layers.Dense(3),
    ]
)
model.set_weights(
    [
        rng.uniform(0.1, 0.5, size=w.shape).astype("float32") if w.ndim > 1 else w
        for w in model.get_weights()
    ]
)
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = keras.optimizers.RMSprop(learning_rate=0.02)
train_loss = keras.metrics.Mean(name="train_loss")
train_accuracy = keras.metrics.SparseCategoricalAccuracy(name="train_accuracy")
test_accuracy = keras.metrics.SparseCategoricalAccuracy(name="test_accuracy")


@tf.function
def train_step(images, labels):
    with tf.GradientTape() as tape:
        predictions = model(images, training=True)
        loss = loss_fn(labels, predictions) + 1e-3 * tf.add_n(
            [tf.nn.l2_loss(v) for v in model.trainable_variables]
        )
    gradients = tape.gradient(loss, model.trainable_variables)
    gradients, norm = tf.clip_by_global_norm(gradients, 1.0)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    train_loss(loss)
    train_accuracy(labels, predictions)
    return norm


@tf.function(reduce_retracing=True)
def test_step(images, labels):
    test_accuracy.update_state(labels, model(images, training=False))


for epoch in range(3):
    train_loss.reset_state()
    train_accuracy.reset_state()
    test_accuracy.reset_state()
    norms = [float(train_step(images, labels)) for images, labels in train]
    for images, labels in test:
        test_step(images, labels)
    optimizer.learning_rate.assign(optimizer.learning_rate * 0.5)
    print(
        f"Epoch {epoch + 1}, Loss: {train_loss.result():.5f}, "
        f"Accuracy: {train_accuracy.result() * 100:.2f}, "
        f"Test Accuracy: {test_accuracy.result().numpy() * 100:.2f}, Norm: {max(norms):.5f}"
    )
print("moving mean", [f"{v:.5f}" for v in model.layers[1].moving_mean.numpy()])
