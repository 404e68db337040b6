"""Sequences to sequences: an encoder, a decoder with attention, teacher forcing, then greedy decoding step by step."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

words, width, units = 12, 8, 16
rng = np.random.default_rng(8)
source = rng.integers(3, words, size=(64, 5))
target = source[:, ::-1]  # what is to be learned: the sequence backwards
start = np.full((64, 1), 1)
fed = np.concatenate([start, target[:, :-1]], axis=1)

encoder_inputs = layers.Input(shape=(None,), name="source")
embedded = layers.Embedding(words, width, mask_zero=True)(encoder_inputs)
encoded, state_h, state_c = layers.LSTM(units, return_sequences=True, return_state=True)(embedded)

decoder_inputs = layers.Input(shape=(None,), name="fed")
decoder_embedding = layers.Embedding(words, width, mask_zero=True)
decoder_lstm = layers.LSTM(units, return_sequences=True, return_state=True)
attention = layers.Attention()
to_words = layers.Dense(words, activation="softmax")
decoded, _, _ = decoder_lstm(decoder_embedding(decoder_inputs), initial_state=[state_h, state_c])
context = attention([decoded, encoded])
outputs = to_words(layers.Concatenate()([decoded, context]))
model = tf.keras.Model([encoder_inputs, decoder_inputs], outputs)
model.set_weights([(0.3 * rng.normal(size=w.shape)).astype("float32") for w in model.get_weights()])
model.compile(
    optimizer=tf.keras.optimizers.SGD(1.0),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit([source, fed], target, epochs=8, batch_size=32, shuffle=False, verbose=0)
print("losses", np.round(history.history["loss"], 3).tolist())
print("accuracy", np.round(history.history["accuracy"][-1], 3))

encoder = tf.keras.Model(encoder_inputs, [encoded, state_h, state_c])
memory = layers.Input(shape=(None, units))
in_h, in_c = layers.Input(shape=(units,)), layers.Input(shape=(units,))
step, out_h, out_c = decoder_lstm(decoder_embedding(decoder_inputs), initial_state=[in_h, in_c])
scores = to_words(layers.Concatenate()([step, attention([step, memory])]))
decoder = tf.keras.Model([decoder_inputs, memory, in_h, in_c], [scores, out_h, out_c])

sentences = source[:4]
remembered, h, c = encoder.predict(sentences, verbose=0)
word, said = np.full((4, 1), 1), []
for _ in range(5):
    probabilities, h, c = decoder.predict([word, remembered, h, c], verbose=0)
    word = probabilities.argmax(axis=-1)
    said.append(word[:, 0])
said = np.stack(said, axis=1)
forced = model.predict(
    [sentences, np.concatenate([np.full((4, 1), 1), said[:, :-1]], axis=1)], verbose=0
)
print("step by step is what it is at once:", (forced.argmax(axis=-1) == said).all())
print("first word's scores", np.round(forced[0, 0, :5], 3).tolist())
