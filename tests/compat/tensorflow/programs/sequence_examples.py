"""Sequences of several lengths: examples with VarLen, ragged and sequence features, written and read back."""

import os
import tempfile

import numpy as np
import tensorflow as tf

reviews = [([3, 1, 4], [b"good", b"film"], 1), ([1], [], 0), ([5, 9, 2, 6], [b"dull"], 0)]


def int64(values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def byte_strings(values):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


path = os.path.join(tempfile.mkdtemp(), "reviews.tfrecord")
with tf.io.TFRecordWriter(path) as writer:
    for ids, words, label in reviews:
        feature = {"ids": int64(ids), "words": byte_strings(words), "label": int64([label])}
        example = tf.train.Example(features=tf.train.Features(feature=feature))
        writer.write(example.SerializeToString())

description = {
    "ids": tf.io.VarLenFeature(tf.int64),
    "words": tf.io.VarLenFeature(tf.string),
    "label": tf.io.FixedLenFeature([], tf.int64),
}
dataset = tf.data.TFRecordDataset(path)
for record in dataset:
    parsed = tf.io.parse_single_example(record, description)
    ids, words = tf.sparse.to_dense(parsed["ids"]), tf.sparse.to_dense(parsed["words"])
    print(ids.numpy(), words.numpy().tolist(), parsed["label"].numpy())


def dense(record):
    parsed = tf.io.parse_single_example(record, description)
    return tf.sparse.to_dense(parsed["ids"]), parsed["label"]


for ids, labels in dataset.map(dense).padded_batch(3, padded_shapes=([None], [])):
    print(ids.numpy().tolist(), labels.numpy())
for records in dataset.batch(3):
    parsed = tf.io.parse_example(records, description)
    print(tf.sparse.to_dense(parsed["ids"]).numpy().tolist())
    print(parsed["words"].dense_shape.numpy(), parsed["words"].values.numpy().tolist())
    ragged = tf.io.parse_example(records, {"ids": tf.io.RaggedFeature(tf.int64)})["ids"]
    print(ragged.to_list(), ragged.row_lengths().numpy())

sequence = tf.train.SequenceExample(
    context=tf.train.Features(feature={"length": int64([3])}),
    feature_lists=tf.train.FeatureLists(
        feature_list={
            "tokens": tf.train.FeatureList(feature=[int64([7]), int64([8]), int64([9])]),
            "tags": tf.train.FeatureList(feature=[int64([1, 2]), int64([]), int64([3])]),
        }
    ),
)
context, steps = tf.io.parse_single_sequence_example(
    sequence.SerializeToString(),
    context_features={"length": tf.io.FixedLenFeature([], tf.int64)},
    sequence_features={
        "tokens": tf.io.FixedLenSequenceFeature([], tf.int64),
        "tags": tf.io.VarLenFeature(tf.int64),
    },
)
print(context["length"].numpy(), steps["tokens"].numpy())
print(tf.sparse.to_dense(steps["tags"]).numpy().tolist())
try:
    tf.io.parse_single_example(record, {"stars": tf.io.FixedLenFeature([], tf.int64)})
except tf.errors.InvalidArgumentError:
    print("there are no stars")
print(np.asarray([label for _, _, label in reviews]))
