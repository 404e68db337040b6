"""Modules, functions with signatures, arrays written part by part, loops and branches, and parts of variables."""

import numpy as np
import tensorflow as tf


class Dense(tf.Module):
    def __init__(self, in_features, out_features, name=None):
        super().__init__(name=name)
        values = np.sin(np.arange(in_features * out_features)).reshape(in_features, out_features)
        self.w = tf.Variable(values.astype("float32"), name="w")
        self.b = tf.Variable(tf.zeros([out_features]), name="b")

    def __call__(self, x):
        return tf.nn.relu(x @ self.w + self.b)


class MLP(tf.Module):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.first = Dense(3, 4)
        self.layers = [Dense(4, 4), Dense(4, 2)]
        self.steps = tf.Variable(0, trainable=False, name="steps")

    @tf.function(input_signature=[tf.TensorSpec(shape=[None, 3], dtype=tf.float32)])
    def __call__(self, x):
        self.steps.assign_add(1)
        x = self.first(x)
        for layer in self.layers:
            x = layer(x)
        return x


mlp = MLP(name="mlp")
x = tf.constant(np.cos(np.arange(6)).reshape(2, 3).astype("float32"))
print(mlp.name, [f"{v:.5f}" for v in mlp(x).numpy().ravel()])
mlp(x)
print(len(mlp.variables), len(mlp.trainable_variables), len(mlp.submodules), int(mlp.steps))
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(mlp(x) ** 2)
for gradient in tape.gradient(loss, [mlp.first.w, mlp.layers[1].b]):
    print([f"{v:.4f}" for v in gradient.numpy().ravel()])


@tf.function
def collatz(n):
    steps = tf.constant(0)
    while n > 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


print("collatz", int(collatz(tf.constant(27))))


@tf.function
def cumulative(values):
    array = tf.TensorArray(tf.float32, size=values.shape[0])
    total = tf.zeros(values.shape[1:])
    for i in range(values.shape[0]):
        total = 0.5 * total + values[i]
        array = array.write(i, total)
    return array.stack()


values = tf.reshape(tf.range(6.0), (3, 2))
print(cumulative(values).numpy().tolist())
i, total = tf.while_loop(
    lambda i, t: i < 5, lambda i, t: (i + 1, t + tf.cast(i, tf.float32)), [0, 0.0]
)
print(int(i), float(total))
print(float(tf.cond(tf.reduce_sum(values) > 10, lambda: values[0, 1], lambda: values[0, 0])))
print(tf.map_fn(lambda row: row * row[0], values).numpy().tolist())
print(tf.scan(lambda a, row: a + row, values).numpy().tolist())

table = tf.Variable(tf.zeros((4, 2)))
table[1].assign([1.0, 2.0])
table[2:, 0].assign([5.0, 6.0])
table.scatter_nd_update([[0], [3]], [[7.0, 7.0], [8.0, 8.0]])
table.scatter_add(tf.IndexedSlices(values=[[1.0, 1.0]], indices=[0]))
print(table.numpy().tolist(), table.sparse_read([1, 3]).numpy().tolist())
print(tf.tensor_scatter_nd_sub(tf.ones(4), [[1], [2]], [5.0, 6.0]).numpy().tolist())
print(tf.numpy_function(lambda a: np.cumsum(a), [tf.constant([1.0, 2.0])], tf.float32).numpy())
try:
    tf.debugging.assert_less(tf.constant([1, 5]), 3, message="too large")
except tf.errors.InvalidArgumentError as error:
    print("too large" in str(error))
