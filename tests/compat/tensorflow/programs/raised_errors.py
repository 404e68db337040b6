"""Errors caught by TensorFlow's names for them: alone, beside others, in tests, at the end of data."""

import os
import tempfile
import unittest

import tensorflow as tf

folder = tempfile.mkdtemp()
counter = tf.Variable(0.0)


@tf.function
def half(x):
    tf.debugging.assert_positive(x, message="wanted more than nothing")
    return x / 2


for value in (1.0, -1.0, 2.0):
    try:
        print(float(half(tf.constant(value))))
    except (tf.errors.InvalidArgumentError, ValueError) as error:
        print(type(error).__name__, "more than nothing" in error.message, error.error_code)


class Shapes(tf.test.TestCase):
    def test_errors(self):
        with self.assertRaises(tf.errors.InvalidArgumentError):
            tf.matmul(tf.ones((2, 3)), tf.ones((2, 3)))
        with self.assertRaises((KeyError, tf.errors.NotFoundError)):
            tf.io.read_file(os.path.join(folder, "none.txt"))
        with self.assertRaisesRegex(tf.errors.OpError, "all gone"):
            raise tf.errors.NotFoundError(None, None, "all gone")


suite = unittest.defaultTestLoader.loadTestsFromTestCase(Shapes)
with open(os.devnull, "w") as nowhere:
    print(unittest.TextTestRunner(stream=nowhere).run(suite).wasSuccessful())

rows = iter(tf.data.Dataset.range(3))
total = 0
while True:
    try:
        total += int(rows.get_next())
    except tf.errors.OutOfRangeError:
        break
print(total, next(rows, "no more"))

numbers = tf.data.Dataset.from_tensor_slices(["1", "x", "3"]).map(tf.strings.to_number)
read = []
try:
    for number in numbers:
        read.append(float(number))
except tf.errors.InvalidArgumentError:
    print("stopped behind", read)

path = os.path.join(folder, "rows.tfrecord")
with tf.io.TFRecordWriter(path) as writer:
    writer.write(b"a record")
with open(path, "r+b") as file:
    file.seek(14)
    file.write(b"?")
image = os.path.join(folder, "no.png")
with tf.io.gfile.GFile(image, "w") as file:
    file.write("no image")


class TooLong(tf.errors.ResourceExhaustedError):
    pass


def too_long():
    raise TooLong(None, None, "seven are too many")


def in_python(x):
    raise ValueError("not today")


for call in (
    lambda: list(tf.data.TFRecordDataset(path)),
    lambda: tf.io.decode_png(tf.io.read_file(image)),
    lambda: tf.io.gfile.copy(image, image),
    lambda: tf.io.gfile.GFile(os.path.join(folder, "x")).read(),
    lambda: tf.ones((2, 3)) - tf.ones((3, 2)),
    lambda: tf.ones((2, 3))[1, 3],
    lambda: tf.linalg.inv(tf.zeros((2, 2))),
    lambda: tf.tile(tf.ones((2, 3)), [2]),
    lambda: tf.slice(tf.ones((2, 3)), [0, 0], [5, 5]),
    lambda: tf.pad(tf.ones((2, 3)), [[1, 1]]),
    lambda: tf.py_function(in_python, [1.0], tf.float32),
    lambda: counter + tf.ones((2, 2))[:, :0] @ tf.ones((1, 2)),
    too_long,
):
    try:
        call()
        print("nothing")
    except tf.errors.OpError as error:
        print(type(error).__name__, error.error_code, isinstance(error, tf.errors.OpError))
