"""Images written as records into two compressed files, read back, shuffled, and trained on."""

import os
import tempfile

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(3)
labels = rng.integers(0, 2, 40)
images = rng.integers(0, 60, (40, 4, 4, 1)).astype("uint8")
images[labels == 1, 1:3, 1:3] += 150


def to_example(image, label):
    feature = {
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image.tobytes()])),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
        "corner": tf.train.Feature(float_list=tf.train.FloatList(value=image[0, 0] / 2)),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature))


folder = tempfile.mkdtemp()
options = tf.io.TFRecordOptions(compression_type="GZIP")
for part in range(2):
    path = os.path.join(folder, f"part-{part}.tfrecord")
    with tf.io.TFRecordWriter(path, options) as writer:
        for image, label in zip(images[part::2], labels[part::2], strict=True):
            writer.write(to_example(image, int(label)).SerializeToString())

print(to_example(images[0], int(labels[0])).features.feature["corner"])

description = {
    "image": tf.io.FixedLenFeature([], tf.string),
    "label": tf.io.FixedLenFeature([], tf.int64),
    "corner": tf.io.FixedLenFeature([1], tf.float32),
    "weight": tf.io.FixedLenFeature([], tf.float32, default_value=1.0),
}


def parse(record):
    parsed = tf.io.parse_single_example(record, description)
    pixels = tf.io.decode_raw(parsed["image"], tf.uint8)
    image = tf.cast(tf.reshape(pixels, [4, 4, 1]), tf.float32) / 255.0
    return image, parsed["label"], parsed["weight"]


files = sorted(tf.io.gfile.glob(os.path.join(folder, "*.tfrecord")))
print([os.path.basename(f) for f in files])
first = next(iter(tf.data.TFRecordDataset(files, compression_type="GZIP").map(parse)))
print(first[0].shape, first[1].numpy(), first[2].numpy())

paths = tf.data.Dataset.list_files(os.path.join(folder, "*.tfrecord"), shuffle=False)
dataset = paths.interleave(
    lambda p: tf.data.TFRecordDataset(p, compression_type="GZIP"), cycle_length=2
).map(parse, num_parallel_calls=tf.data.AUTOTUNE)
in_order = [int(label) for _, label, _ in dataset]
print("as written", in_order == labels.tolist(), sum(in_order))

model = tf.keras.Sequential(
    [
        tf.keras.Input((4, 4, 1)),
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(1, activation="sigmoid", kernel_initializer="zeros"),
    ]
)
model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
history = model.fit(dataset.batch(8).prefetch(1), epochs=4, verbose=0)
print([round(v, 5) for v in history.history["loss"]])
print(model.evaluate(dataset.batch(16), verbose=0, return_dict=True)["accuracy"])

damaged = os.path.join(folder, "damaged")
with tf.io.TFRecordWriter(damaged) as writer:
    for text in ("one", "two", "three"):
        writer.write(text)
with open(damaged, "r+b") as file:
    file.seek(12 + 1)
    file.write(b"X")
kept = tf.data.TFRecordDataset(damaged).ignore_errors()
try:
    for record in tf.data.TFRecordDataset(damaged):
        print(record.numpy())
except tf.errors.DataLossError:
    print("the file is damaged")
