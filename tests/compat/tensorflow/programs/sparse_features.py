"""Sparse features: made, joined, multiplied, and given to a network."""

import numpy as np
import tensorflow as tf

st = tf.sparse.SparseTensor(indices=[[0, 3], [2, 4]], values=[10, 20], dense_shape=[3, 10])
print(st)
print(tf.sparse.to_dense(st).numpy().sum(axis=1), st.shape, st.values.numpy())

a = tf.sparse.SparseTensor(indices=[[0, 2], [3, 4]], values=[31, 2], dense_shape=[4, 10])
b = tf.sparse.SparseTensor(indices=[[0, 2], [3, 0]], values=[56, 38], dense_shape=[4, 10])
print(tf.sparse.add(a, b))

c = tf.sparse.SparseTensor(
    indices=[[0, 1], [1, 0], [1, 1]], values=[13, 15, 17], dense_shape=[2, 2]
)
mb = tf.constant([[4], [6]])
print(tf.sparse.sparse_dense_matmul(c, mb).numpy().ravel())

joined = tf.sparse.concat(axis=1, sp_inputs=[c, tf.sparse.transpose(c)])
print(tf.sparse.to_dense(joined).numpy())
print(tf.sparse.to_dense(tf.sparse.slice(joined, start=[0, 1], size=[2, 2])).numpy())
print(tf.sparse.reduce_sum(joined, axis=1).numpy(), tf.sparse.reshape(joined, [4, -1]).shape)
print(tf.sparse.map_values(tf.add, c, 5).values.numpy(), (c * 2).values.numpy())
print(tf.sparse.to_dense(tf.sparse.from_dense(["a", "", "c"])).numpy())

rng = np.random.default_rng(3)
rows = np.repeat(np.arange(8), 2)
columns = rng.integers(0, 6, 16)
places = np.unique(np.stack([rows, columns], 1), axis=0)
features = tf.sparse.SparseTensor(places, np.ones(len(places), "float32"), [8, 6])
target = rng.normal(size=(8, 1)).astype("float32")
model = tf.keras.Sequential([tf.keras.Input((6,)), tf.keras.layers.Dense(1)])
model.set_weights([np.linspace(-1, 1, 6, dtype="float32")[:, None], np.zeros(1, "float32")])
print(model(features).numpy().round(4).ravel())
model.compile("sgd", "mse")
history = model.fit(features, target, batch_size=4, epochs=3, shuffle=False, verbose=0)
print([round(float(v), 5) for v in history.history["loss"]])
print(model.predict(features, verbose=0).round(4).ravel())

print(tf.sets.size(tf.sets.intersection([[1, 2, 3], [4, 5, 6]], [[2, 3, 9], [7, 8, 9]])).numpy())
print(tf.sets.union([["b", "a"]], [["c"]]).values.numpy())
filled, empty = tf.sparse.fill_empty_rows(st, -1)
print(filled.values.numpy(), empty.numpy())
