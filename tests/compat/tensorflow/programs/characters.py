"""Text to characters to numbers and back, as a model that writes text needs it."""

import tensorflow as tf

text = "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll: Spëak!"
vocab = sorted(set(text))
print(len(vocab), "characters")

chars = tf.strings.unicode_split(["abcdefg", "Spëak"], input_encoding="UTF-8")
print(chars)

ids_from_chars = tf.keras.layers.StringLookup(vocabulary=list(vocab), mask_token=None)
chars_from_ids = tf.keras.layers.StringLookup(
    vocabulary=ids_from_chars.get_vocabulary(), invert=True, mask_token=None
)
ids = ids_from_chars(chars)
print("ids", ids.to_list())
print(chars_from_ids(ids))


def text_from_ids(ids):
    return tf.strings.reduce_join(chars_from_ids(ids), axis=-1)


print(text_from_ids(ids).numpy())

all_ids = ids_from_chars(tf.strings.unicode_split(text, "UTF-8"))
print(all_ids.shape, all_ids.numpy()[:12])

dataset = tf.data.Dataset.from_tensor_slices(all_ids)
for i in dataset.take(5):
    print(chars_from_ids(i).numpy().decode("utf-8"), end="|")
print()

sequences = dataset.batch(11, drop_remainder=True)
for seq in sequences.take(2):
    print(text_from_ids(seq).numpy())


def split_input_target(sequence):
    return sequence[:-1], sequence[1:]


pairs = sequences.map(split_input_target)
for example, target in pairs.take(1):
    print("input ", text_from_ids(example).numpy())
    print("target", text_from_ids(target).numpy())

codes = tf.strings.unicode_decode("Spëak 😊", "UTF-8")
print(codes.numpy(), tf.strings.unicode_encode(codes, "UTF-8").numpy().decode())
print(
    "length",
    tf.strings.length("Spëak").numpy(),
    tf.strings.length("Spëak", unit="UTF8_CHAR").numpy(),
)
print(tf.strings.substr("Spëak", 1, 2, unit="UTF8_CHAR").numpy().decode())
points, starts = tf.strings.unicode_decode_with_offsets("aë!", "UTF-8")
for codepoint, start in zip(points.numpy(), starts.numpy(), strict=True):
    print(f"At byte offset {start}: codepoint {codepoint}")
print(tf.strings.unicode_script([97, 960, 1078, 32]).numpy())
print(tf.strings.unicode_transcode("né", "UTF-8", "UTF-16-BE").numpy())
