"""Shapes with TensorFlow's methods, what lies in a checkpoint, iterators that go on where they were."""

import os
import tempfile

import numpy as np
import tensorflow as tf

x = tf.ones((2, 3))
print(x.get_shape().as_list(), x.shape.ndims, x.shape.rank, x.shape[1:].as_list(), x.shape)
print(x.shape.num_elements(), x.shape.is_fully_defined(), x.shape == [2, 3])
print(tf.TensorShape([None, 3]).is_compatible_with([2, 3]), tf.TensorShape(2).concatenate([5]))
print(tf.constant("a").get_shape().as_list(), tf.Variable(tf.zeros((4, 1))).shape.as_list())


@tf.function
def scaled(x):
    return x * x.get_shape().as_list()[0] + x.shape.ndims


class Rows(tf.keras.layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 2), initializer="ones")

    def call(self, x):
        sizes = x.get_shape().as_list()[1:]
        return tf.reshape(x, [-1, *sizes]) @ self.w + x.shape.ndims


model = tf.keras.Sequential([tf.keras.Input((3,)), Rows()])
print(scaled(x).numpy().tolist(), model(x).numpy().tolist())
print(model.predict(np.ones((2, 3)), verbose=0).tolist())

folder = tempfile.mkdtemp()
v, step = tf.Variable([1.0, 2.0]), tf.Variable(7)
rows = tf.data.Dataset.range(10).batch(2)
iterator = iter(rows)
checkpoint = tf.train.Checkpoint(v=v, step=step, rows=iterator)
print(next(iterator).numpy(), next(iterator).numpy())
path = checkpoint.save(os.path.join(folder, "ck"))
print(next(iterator).numpy(), next(iterator).numpy())
checkpoint.restore(path)
print(next(iterator).numpy())
other = iter(rows)
tf.train.Checkpoint(rows=other).restore(path).expect_partial()
print([row.numpy().tolist() for row in other])

name = "v/.ATTRIBUTES/VARIABLE_VALUE"
print([found for found in tf.train.list_variables(folder) if found[0].startswith(("v", "step"))])
reader = tf.train.load_checkpoint(path)
print(reader.has_tensor(name), reader.get_tensor(name), reader.get_variable_to_shape_map()[name])
print(tf.train.load_variable(folder, "step/.ATTRIBUTES/VARIABLE_VALUE"))
