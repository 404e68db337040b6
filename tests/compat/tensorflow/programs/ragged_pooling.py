"""Sentences of several lengths: embeddings of all words at once, and the mean of each sentence."""

import numpy as np
import tensorflow as tf

queries = tf.ragged.constant(
    [["Who", "is", "Dan", "Smith"], ["Pause"], ["Will", "it", "rain", "later", "today"]]
)
print(queries)
print(queries.shape, queries.ragged_rank, queries.nrows().numpy(), queries.bounding_shape().numpy())

num_buckets, size = 64, 4
table = np.random.default_rng(1).normal(size=(num_buckets, size)).astype("float32").round(2)

word_buckets = tf.strings.to_hash_bucket_fast(queries, num_buckets)
word_embeddings = tf.nn.embedding_lookup(table, word_buckets)
print("buckets", word_buckets)

marker = tf.fill([queries.nrows(), 1], "#")
padded = tf.concat([marker, queries, marker], axis=1)
bigrams = tf.strings.join([padded[:, :-1], padded[:, 1:]], separator="+")
print(bigrams)
bigram_embeddings = tf.nn.embedding_lookup(
    table, tf.strings.to_hash_bucket_fast(bigrams, num_buckets)
)

all_embeddings = tf.concat([word_embeddings, bigram_embeddings], axis=1)
print(tf.reduce_mean(all_embeddings, axis=1).numpy().round(4))

embedding = tf.keras.layers.Embedding(num_buckets, size)
embedding.build(None)
embedding.set_weights([table])
pooled = tf.reduce_mean(embedding(word_buckets), axis=1)
print(pooled.numpy().round(4))
print(tf.reduce_max(tf.ragged.map_flat_values(embedding, word_buckets), axis=1).numpy().round(4))

digits = tf.ragged.constant([[3, 1, 4, 1], [], [5, 9, 2], [6], []])
print(digits * 2 + 1)
print(tf.add(digits, 3), digits[:, :2], digits[-2].numpy())
print("sums", tf.reduce_sum(digits, axis=1).numpy(), tf.reduce_sum(digits, axis=0).numpy())
print(tf.concat([digits, [[5, 3]]], axis=0))
print(tf.tile(digits, [1, 2]))
print(digits.to_tensor(default_value=-1, shape=[None, 3]).numpy())
print(tf.ragged.boolean_mask(digits, digits > 2))
print(tf.RaggedTensor.from_row_splits(digits.values, [0, 3, 8]).to_list())
print(tf.RaggedTensor.from_tensor([[7, 0, 0], [8, 9, 0]], padding=0), digits == 1)
model = tf.keras.Sequential([tf.keras.Input((size,)), tf.keras.layers.Dense(1)])
model.set_weights([np.full((size, 1), 0.5, "float32"), np.zeros(1, "float32")])
print(model(pooled).numpy().round(4).ravel())

batches = tf.data.Dataset.from_tensor_slices((digits, [0, 1, 0, 1, 1])).batch(2)
for x, y in batches:
    print(x, y.numpy(), x.to_tensor().shape)
