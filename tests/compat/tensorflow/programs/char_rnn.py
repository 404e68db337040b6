"""A network that writes letters one by one: windows of a text, a stateful LSTM, sampling by temperature."""

import numpy as np
import tensorflow as tf

text = "the rain in spain stays mainly in the plain. " * 6
letters = sorted(set(text))
to_id = {c: i for i, c in enumerate(letters)}
ids = np.array([to_id[c] for c in text])
print(len(text), "letters,", len(letters), "different")

steps, batch = 15, 4
part = len(ids) // batch
streams = ids[: part * batch].reshape(batch, part)
rng = np.random.default_rng(2)


def network(batch_size):
    model = tf.keras.Sequential(
        [
            tf.keras.Input(batch_shape=(batch_size, None), dtype="int32"),
            tf.keras.layers.Lambda(lambda x: tf.one_hot(x, len(letters))),
            tf.keras.layers.LSTM(12, return_sequences=True, stateful=True),
            tf.keras.layers.Dense(len(letters)),
        ]
    )
    model(np.zeros((batch_size, 1), "int32"))  # makes the weights, and moves the state
    model.layers[1].reset_states()
    return model


model = network(batch)
model.set_weights([(0.4 * rng.normal(size=w.shape)).astype("float32") for w in model.get_weights()])
model.compile(
    optimizer=tf.keras.optimizers.Adam(0.03),
    loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
)
for epoch in range(3):
    losses = []
    for start in range(0, part - steps, steps):
        x, y = streams[:, start : start + steps], streams[:, start + 1 : start + steps + 1]
        losses.append(float(model.train_on_batch(x, y)))
    for layer in model.layers:
        if hasattr(layer, "reset_states"):
            layer.reset_states()
    print("epoch", epoch, "last loss", round(losses[-1], 3))

writer = network(1)
writer.set_weights(model.get_weights())


def sample(logits, temperature, dice):
    scaled = np.asarray(logits, "float64") / temperature
    p = np.exp(scaled - scaled.max())
    return int(np.searchsorted(np.cumsum(p / p.sum()), dice.uniform()))


for temperature in (0.1, 0.5):
    writer.layers[1].reset_states()
    dice, letter, written = np.random.default_rng(9), to_id["t"], "t"
    for _ in range(40):
        logits = writer.predict(np.array([[letter]]), verbose=0)[0, -1]
        letter = sample(logits, temperature, dice)
        written += letters[letter]
    print(temperature, "->", repr(written))
