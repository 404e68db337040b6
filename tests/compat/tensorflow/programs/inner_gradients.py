"""Gradients inside of a tf.function, forward derivatives, gradients of one's own with variables, calls of Python."""

import numpy as np
import tensorflow as tf

w = tf.Variable([[1.0, 2.0], [3.0, 4.0]])


@tf.function
def slopes(x):
    loss = tf.reduce_sum(tf.square(x @ w))
    return tf.gradients(loss, [w, x])


@tf.function
def second(x):
    slope = tf.gradients(tf.sin(x) * x, [x])[0]
    return tf.gradients(slope * x, x)[0]


@tf.function
def curvature(x):
    return tf.hessians(tf.reduce_sum(x**3) * x[0], [x])


@tf.function
def weighted(x, z):
    given = tf.gradients([x * 2, x**2], [x], grad_ys=[tf.constant(3.0), tf.constant(1.0)])
    return given[0], tf.gradients(x * 2, [z], unconnected_gradients="zero")[0]


print([g.numpy().tolist() for g in slopes(tf.ones((1, 2)))])
print(second(tf.constant([0.5, 1.0])).numpy())
print(curvature(tf.constant([1.0, 2.0]))[0].numpy())
print([float(x) for x in weighted(tf.constant(2.0), tf.constant(1.0))])

x, along = tf.constant([1.0, 2.0]), tf.constant([1.0, 0.5])
with tf.autodiff.ForwardAccumulator(x, along) as forward:
    y = tf.reduce_sum(x**2 * tf.stack([x[1], x[0]]))
    with tf.GradientTape() as tape:
        tape.watch(x)
        cube = tf.reduce_sum(x**3)
    slope = tape.gradient(cube, x)
    other = tf.constant(3.0) * 2
print(float(forward.jvp(y)), forward.jvp(slope).numpy(), forward.jvp(other))
with tf.autodiff.ForwardAccumulator(primals=w, tangents=tf.ones((2, 2))) as forward:
    y = tf.tanh(tf.constant([[0.1, -0.3]]) @ w)
print(forward.jvp(y).numpy())

scale = tf.Variable(3.0)


@tf.custom_gradient
def scaled(x):
    def gradient(upstream, variables=None):
        return upstream * scale, [10.0 * tf.reduce_sum(upstream * x) for _ in variables]

    return scale * x, gradient


@tf.custom_gradient
def careless(x):
    return scale * x, lambda upstream: upstream


with tf.GradientTape() as tape:
    x = tf.constant(2.0)
    tape.watch(x)
    y = scaled(x)
print([float(g) for g in tape.gradient(y, [x, scale])])
try:
    with tf.GradientTape() as tape:
        y = careless(tf.constant(2.0))
except TypeError as error:
    print("variables" in str(error))


class Halved(tf.keras.layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 2), initializer="ones", name="w")

    def call(self, x):
        w = self.w

        @tf.custom_gradient
        def product(x):
            def gradient(upstream, variables=None):
                return upstream @ tf.transpose(w), [tf.transpose(x) @ upstream * 0.5]

            return x @ w, gradient

        noted = tf.numpy_function(lambda a: 2 * a, [x], tf.float32)
        noted.set_shape(x.shape)
        return product(x + noted * 0)


class Watched(tf.keras.Sequential):
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            out = self(x, training=True)
            loss = tf.reduce_mean(tf.square(out - y))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        total = tf.py_function(lambda a: np.sum(a.numpy()), [out], tf.float32)
        return {"loss": loss, "total": total}


model = Watched([tf.keras.Input((3,)), Halved()])
model.compile(optimizer=tf.keras.optimizers.SGD(0.1))
rows = np.arange(12, dtype="float32").reshape(4, 3) / 12
history = model.fit(
    rows, np.zeros((4, 2), "float32"), epochs=2, batch_size=2, shuffle=False, verbose=0
)
print(np.round(history.history["loss"], 4), np.round(history.history["total"], 4))
print(np.round(model.get_weights()[0], 4))
