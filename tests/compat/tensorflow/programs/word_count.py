"""Counting words: a vocabulary from string tensors, with nothing but `tf.strings` and `tf.lookup`."""

import collections

import tensorflow as tf

lines = tf.constant(
    [
        "The quick brown fox jumps over the lazy dog.",
        "The dog sleeps; the fox doesn't!",
        "Füchse und Hunde: 2 foxes & 1 dog",
    ]
)
print(lines.shape, lines.dtype.name, len(lines))

clean = tf.strings.regex_replace(tf.strings.lower(lines), r"[^\w\s]|[[:punct:]]", " ")
words = tf.strings.split(clean)
print(words)
print("lengths", words.row_lengths().numpy(), "words in all", int(tf.size(words.flat_values)))

counts = collections.Counter(word.decode() for word in words.flat_values.numpy())
for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5]:
    print(f"{word:>6} {count}")

vocabulary = ["<unk>", *[w for w, c in sorted(counts.items()) if c > 1]]
table = tf.lookup.StaticHashTable(
    tf.lookup.KeyValueTensorInitializer(vocabulary, list(range(len(vocabulary)))), default_value=0
)
ids = tf.ragged.map_flat_values(table.lookup, words)
print("ids", ids)
print(ids.to_tensor(default_value=-1).numpy())
print("known share", tf.reduce_mean(tf.cast(ids > 0, tf.float32), axis=1).numpy())

back = tf.gather(vocabulary, ids)
print(tf.strings.reduce_join(back, axis=1, separator=" "))
for line in back:
    print(b"/".join(line.numpy()).decode())

oov = tf.lookup.StaticVocabularyTable(
    tf.lookup.KeyValueTensorInitializer(
        ["the", "fox"], tf.constant([0, 1], tf.int64), value_dtype=tf.int64
    ),
    num_oov_buckets=3,
)
print(
    "with buckets",
    oov.lookup(tf.constant(["the", "dog", "fox", "cat"])).numpy(),
    oov.size().numpy(),
)
print("longest word", tf.reduce_max(tf.strings.length(words.flat_values)).numpy())
print("letters", tf.strings.length(words, unit="UTF8_CHAR"))
