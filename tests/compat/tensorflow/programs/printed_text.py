"""How strings, ragged and sparse tensors look."""

import sys

import tensorflow as tf

print(tf.constant("hi"), tf.constant(b"\xff\x00"))
print(tf.constant(["Gray wolf", "Quick brown fox", "Lazy dog"]))
print(tf.constant([["a", "é"], ["c", "d"]]))
print(repr(tf.constant("hi")), repr(tf.constant(["a", "b"])), sep="\n")
print(f"{tf.constant('hi')}", str(tf.constant("hi")))
print([tf.constant("a")], {"k": tf.constant(["b"])})
print(tf.constant("🥳👍"), tf.constant("Duck").numpy().decode())
print(tf.constant("a") + "b" + tf.constant(["c", "d"]))
print(tf.strings.split("a b c", sep=" "), tf.strings.bytes_split("Duck"))
print(tf.strings.to_number(tf.strings.split("1 10 100", " ")).numpy())
print(tf.strings.as_string([1.5, 2.25]), tf.as_string(3.14159, precision=2), tf.as_string(True))
print(tf.strings.format("{} and {}", (tf.constant([1, 2]), tf.constant(["x", "y"]))))
print(tf.strings.join(["x", "y", tf.constant(["1", "2"])], separator="/"))
print(tf.ragged.constant([[1, 2], [], [3]]), tf.ragged.constant([["a"], ["b", "c"]]))
print(tf.ragged.constant([[[1.0], [2.0, 3.0]], [[4.5]]]))
print(tf.ragged.range([3, 0, 2]), tf.ragged.stack([[1, 2], [3]]))
print(tf.ragged.constant([list(range(12))] * 5))
print(tf.SparseTensor([[0, 1]], [7], [2, 3]))
print(tf.sparse.from_dense([["x", ""], ["", "y"]]))
tf.print(
    "strings",
    tf.constant("s"),
    tf.constant(["a", "b"]),
    tf.constant([1.0, 0.25]),
    output_stream=sys.stdout,
)
tf.print(tf.ragged.constant([[1], [2, 3]]), output_stream=sys.stdout)
tf.print(tf.constant("alone"), output_stream=sys.stdout)
tf.print(tf.range(20), tf.constant([[1, 2], [3, 4]]), output_stream=sys.stdout)
for word in tf.constant(["x", "y"]):
    print(word.numpy(), word.shape, bool(word == "x"))
words = tf.constant(["b", "a", "b"])
print(tf.where(tf.equal(words, "b"), "yes", words), tf.gather(words, [2, 1]), words[::-1])
print(tf.reshape(words, [3, 1]), tf.stack([words, words], axis=1), tf.concat([words, ["z"]], 0))
print(tf.boolean_mask(words, words != "b"), tf.size(words).numpy(), tf.tile(words, [2]))
