"""Sentences of several lengths in compiled steps: arguments and results of functions, specs, pipelines, crosses."""

import numpy as np
import tensorflow as tf

table = tf.Variable(np.arange(20, dtype="float32").reshape(10, 2) / 10)
weights = tf.Variable([[0.5], [-0.25]])
tokens = tf.ragged.constant([[1, 2, 3], [4], [5, 6], [7, 8, 9]])
labels = np.array([[1.0], [0.0], [1.0], [0.0]], "float32")


@tf.function(
    input_signature=[
        tf.RaggedTensorSpec([None, None], tf.int32),
        tf.TensorSpec([None, 1], tf.float32),
    ]
)
def train_step(rows, wanted):
    with tf.GradientTape() as tape:
        embedded = tf.nn.embedding_lookup(table, rows)
        pooled = tf.reduce_mean(embedded, axis=1)
        loss = tf.reduce_mean(tf.square(tf.matmul(pooled, weights) - wanted))
    slopes = tape.gradient(loss, [table, weights])
    table.assign_sub(0.1 * tf.convert_to_tensor(slopes[0]))
    weights.assign_sub(0.1 * slopes[1])
    return loss


batches = tf.data.Dataset.from_tensor_slices((tokens, labels)).batch(2)
for epoch in range(2):
    for rows, wanted in batches:
        print(epoch, rows.to_list(), train_step(rows, wanted).numpy().round(4))
print(table.numpy().round(4).ravel()[::3], train_step.experimental_get_tracing_count() > 0)


@tf.function
def longer(rows, by):
    doubled = rows * by
    return {"rows": tf.concat([doubled, doubled], axis=1), "lengths": doubled.row_lengths()}


made = longer(tf.ragged.constant([[1.0, 2.0], []]), 10.0)
print(made["rows"], made["lengths"].numpy())
print(
    tf.function(lambda x: tf.sparse.to_dense(x) * 2)(tf.sparse.from_dense([[0, 3], [4, 0]])).numpy()
)

spec = tf.RaggedTensorSpec.from_value(tokens)
print(
    spec.ragged_rank,
    spec.shape,
    spec.is_compatible_with(tokens),
    spec == tf.type_spec_from_value(tokens),
)
print(tf.RaggedTensorSpec([None, None, 3], ragged_rank=1), tf.SparseTensorSpec([2, None]))


def sentences():
    yield tf.ragged.constant([[1], [2, 3]])
    yield tf.ragged.constant([[4, 5], []])


read = tf.data.Dataset.from_generator(
    sentences, output_signature=tf.RaggedTensorSpec([2, None], tf.int32)
)
print([x.to_list() for x in read.map(lambda x: x + 1)])
ranges = tf.data.Dataset.range(5).map(lambda n: tf.range(n))
for x in ranges.apply(tf.data.experimental.dense_to_ragged_batch(2, drop_remainder=True)):
    print(x, tf.reduce_sum(x, axis=1).numpy())

print(
    tf.map_fn(
        lambda n: tf.range(n),
        tf.constant([1, 0, 2]),
        fn_output_signature=tf.RaggedTensorSpec([None], tf.int32),
    )
)
print(tf.map_fn(tf.reduce_max, tokens, fn_output_signature=tf.int32).numpy())
print(
    tf.gather(tokens, tf.ragged.constant([[2, 0], [0], [], [1]]), batch_dims=1),
    tf.cumsum(tokens, axis=1),
)
print(tf.gather(tokens, [[0], [0], [1], [2]], batch_dims=1).numpy().ravel())
pairs = tf.RaggedTensor.from_row_lengths([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [2, 1])
print(tf.matmul(pairs, tf.constant([[[1.0], [1.0]], [[2.0], [0.0]]])))
print([x.to_list() for x in tf.split(tokens, 2)], tokens.shape.as_list(), int(tf.shape(tokens)[0]))
print(tf.RaggedTensor.from_nested_value_rowids([1, 2, 3], [[0, 1], [0, 1, 1]]).to_list())
colors, sizes = tf.ragged.constant([["red", "blue"], ["red"]]), tf.ragged.constant([[1, 2], [3]])
print(tf.ragged.cross([colors, sizes]))
print(tf.ragged.cross_hashed([colors, sizes, [["x"], ["y"]]], num_buckets=1000))
crossed = tf.sparse.cross([colors.to_sparse(), sizes.to_sparse()], separator="+")
print(crossed.indices.numpy().tolist(), crossed.values.numpy().tolist())
print(tf.sparse.segment_mean([[1.0], [2.0], [6.0]], [0, 2, 1], [0, 0, 1]).numpy().ravel())
print(
    tf.sparse.segment_sqrt_n([[1.0], [2.0], [6.0]], [0, 2, 1], [0, 0, 2], num_segments=4)
    .numpy()
    .round(4)
    .ravel()
)
