"""Derivatives of derivatives: a differential equation, a penalty on a gradient, Jacobians and a Hessian."""

import numpy as np
import tensorflow as tf

# -- y' = -2 x y with y(0) = 1, by a small network ----------------------------------------------------------------

rng = np.random.default_rng(11)
x = tf.constant(np.linspace(0, 1, 12)[:, None], tf.float32)
net = tf.keras.Sequential(
    [tf.keras.Input((1,)), tf.keras.layers.Dense(6, "tanh"), tf.keras.layers.Dense(1)]
)
net.set_weights([rng.normal(scale=0.5, size=w.shape).astype("float32") for w in net.get_weights()])
optimizer = tf.keras.optimizers.Adam(0.05)


@tf.function
def train_step():
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = 1.0 + x * net(x)
        dy = inner.gradient(y, x)
        loss = tf.reduce_mean((dy + 2.0 * x * y) ** 2)
    grads = outer.gradient(loss, net.trainable_variables)
    optimizer.apply_gradients(zip(grads, net.trainable_variables))
    return loss


losses = [train_step() for _ in range(30)]
print("ode", [f"{float(loss):.5f}" for loss in losses[::10]])
print("exp(-x^2)", [f"{float(v):.4f}" for v in tf.squeeze(1.0 + x * net(x))[::4]])

# -- a gradient penalty -------------------------------------------------------------------------------------------

w = tf.Variable(rng.normal(size=(3, 4)).astype("float32"))
u = tf.Variable(rng.normal(size=(4, 1)).astype("float32"))
samples = tf.constant(rng.normal(size=(5, 3)).astype("float32"))


@tf.function
def penalize():
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(samples)
            scores = tf.nn.softplus(samples @ w) @ u
        slopes = inner.gradient(scores, [samples])[0]
        norm = tf.sqrt(tf.reduce_sum(tf.square(slopes), axis=[1]))
        penalty = tf.reduce_mean((norm - 1.0) ** 2)
    return penalty, outer.gradient(penalty, [w, u])


penalty, gradients = penalize()
print("penalty", f"{float(penalty):.5f}")
for gradient in gradients:
    print([f"{v:.4f}" for v in gradient.numpy().ravel()])

# -- Jacobians and a Hessian --------------------------------------------------------------------------------------

a = tf.constant([[1.0, 2.0], [3.0, 0.5]])
with tf.GradientTape(persistent=True) as tape:
    tape.watch(a)
    b = tf.sin(a) * a[:, ::-1]
print("jacobian", tape.jacobian(b, a).shape)
print([f"{v:.4f}" for v in tape.batch_jacobian(b, a).numpy().ravel()])
v = tf.Variable([1.0, 2.0, 3.0])
with tf.GradientTape() as outer:
    with tf.GradientTape() as inner:
        f = v[0] ** 2 * v[1] + tf.reduce_prod(v)
    g = inner.gradient(f, v)
print("gradient", g.numpy())
print("hessian", outer.jacobian(g, v).numpy().tolist())


@tf.custom_gradient
def clipped(x):
    def grad(upstream):
        return tf.clip_by_value(upstream, -0.5, 0.5)

    return x * 1.0, grad


p = tf.Variable([0.1, 3.0])
with tf.GradientTape() as tape:
    out = tf.reduce_sum(clipped(p) ** 2)
print("clipped", tape.gradient(out, p).numpy())
