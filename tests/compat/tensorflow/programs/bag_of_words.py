"""A classifier of raw strings: bags of words, and a layer whose weights are given."""

import re
import string

import numpy as np
import tensorflow as tf

texts = [
    "A great movie, I loved it!",
    "Terrible. A waste<br /> of time.",
    "Loved the acting; great fun",
    "I hated it: boring and terrible",
    "great great GREAT",
    "boring plot, terrible acting",
]
labels = np.array([1, 0, 1, 0, 1, 0])


def custom_standardization(input_data):
    lowercase = tf.strings.lower(input_data)
    stripped_html = tf.strings.regex_replace(lowercase, "<br />", " ")
    return tf.strings.regex_replace(stripped_html, f"[{re.escape(string.punctuation)}]", "")


vectorize = tf.keras.layers.TextVectorization(
    standardize=custom_standardization, max_tokens=12, output_mode="multi_hot"
)
dataset = tf.data.Dataset.from_tensor_slices((texts, labels)).batch(4)
vectorize.adapt(dataset.map(lambda text, label: text))
print([str(word) for word in vectorize.get_vocabulary()])

text_batch, label_batch = next(iter(dataset))
print("Review", text_batch[1].numpy())
print("Label", int(label_batch[1]))
print(vectorize(tf.expand_dims(text_batch[1], -1)).numpy().astype("int32"))

train = dataset.map(lambda text, label: (vectorize(tf.expand_dims(text, -1)), label))
model = tf.keras.Sequential([tf.keras.Input((12,)), tf.keras.layers.Dense(1, activation="sigmoid")])
model.set_weights([np.linspace(-0.2, 0.2, 12, dtype="float32")[:, None], np.zeros(1, "float32")])
model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
history = model.fit(train, epochs=4, verbose=0)
print("loss", [round(float(v), 5) for v in history.history["loss"]])
print("accuracy", model.evaluate(train, verbose=0)[1])

export = tf.keras.Sequential([vectorize, model])
probabilities = export.predict(tf.constant(["great fun", "terrible"]), verbose=0)
print(probabilities.round(4).ravel())
for text, p in zip(texts, export.predict(tf.constant(texts), verbose=0).ravel(), strict=True):
    print(f"{p:.3f} {text}")
