"""A linear regression from scratch: variables, a tape, and steps by hand; then an optimizer."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(0)
x = rng.normal(size=(100, 2)).astype("float32")
y = (x @ np.array([[3.0], [-2.0]], "float32") + 1.0).astype("float32")
inputs, targets = tf.constant(x), tf.constant(y)

w = tf.Variable(tf.zeros((2, 1)), name="w")
b = tf.Variable(0.0, name="b")


def model(x):
    return tf.matmul(x, w) + b


for step in range(20):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(inputs) - targets))
        if loss < 1.0:
            rate = 0.05
        else:
            rate = 0.2
    dw, db = tape.gradient(loss, [w, b])
    w.assign_sub(rate * dw)
    b.assign_sub(rate * db)
    if step % 5 == 0:
        print(f"step {step}: loss {loss.numpy():.5f}, rate {rate}")
print("w", w.numpy().ravel(), "b", float(b))

optimizer = tf.keras.optimizers.Adam(learning_rate=0.1)
for _ in range(10):
    with tf.GradientTape() as tape:
        error = model(inputs) - targets
        loss = tf.reduce_mean(error**2)
    gradients = tape.gradient(loss, {"w": w, "b": b})
    optimizer.apply_gradients([(gradients["w"], w), (gradients["b"], b)])
print("after Adam", w.numpy().ravel(), b.numpy(), int(optimizer.iterations))

# What has no way to the loss has no gradient.
other = tf.Variable(1.0)
with tf.GradientTape(persistent=True) as tape:
    loss = tf.reduce_sum(w * 2.0) + tf.stop_gradient(other)
print(tape.gradient(loss, other))
print(tape.gradient(loss, other, unconnected_gradients=tf.UnconnectedGradients.ZERO).numpy())
print([v.name.split(":")[0] for v in tape.watched_variables()][:1])
del tape
