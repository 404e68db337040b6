"""CSV files split over a folder, interleaved, parsed, shuffled, and a regression trained on them."""

import os
import tempfile

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(5)
x = rng.normal(size=(60, 3)).round(3)
y = (x @ [1.0, -2.0, 0.5] + 3).round(3)
folder = tempfile.mkdtemp()
for part, rows in enumerate(np.array_split(np.arange(60), 4)):
    with open(os.path.join(folder, f"house_{part:02d}.csv"), "w") as file:
        file.write("a,b,c,price,town\n")
        for i in rows:
            town = '"Hill, east"' if i % 7 == 0 else "Vale"
            missing = "" if i == 11 else x[i, 1]
            file.write(f"{x[i, 0]},{missing},{x[i, 2]},{y[i]},{town}\n")

means, stds = x.mean(axis=0).astype("float32"), x.std(axis=0).astype("float32")


def parse_line(line):
    defaults = [0.0] * 3 + [tf.constant([], dtype=tf.float32), ""]
    *fields, price, _ = tf.io.decode_csv(line, record_defaults=defaults)
    return (tf.stack(fields) - means) / stds, price


files = tf.data.Dataset.list_files(os.path.join(folder, "house_*.csv"), shuffle=False)
lines = files.interleave(
    lambda path: tf.data.TextLineDataset(path).skip(1),
    cycle_length=2,
    block_length=3,
    num_parallel_calls=tf.data.AUTOTUNE,
)
for line in lines.take(5):
    print(line.numpy())
print(sum(1 for _ in lines), lines.cardinality().numpy())

dataset = lines.map(parse_line)
features, price = next(iter(dataset.batch(4)))
print(features.shape, price.numpy())

shuffled = dataset.shuffle(60, seed=42)
print(
    "the same prices", sorted(float(p) for _, p in shuffled) == sorted(float(p) for _, p in dataset)
)

model = tf.keras.Sequential(
    [tf.keras.Input((3,)), tf.keras.layers.Dense(1, kernel_initializer="zeros")]
)
model.compile(loss="mse", optimizer=tf.keras.optimizers.SGD(0.1))
history = model.fit(dataset.batch(16).cache().prefetch(1), epochs=5, verbose=0)
print([round(v, 4) for v in history.history["loss"]])

columns = tf.data.experimental.CsvDataset(
    os.path.join(folder, "house_00.csv"),
    [tf.float32, tf.string],
    header=True,
    select_cols=[3, 4],
)
print([(p.numpy().round(3), t.numpy()) for p, t in columns.take(2)])

tables = tf.data.experimental.make_csv_dataset(
    os.path.join(folder, "*.csv"), batch_size=5, label_name="price", num_epochs=1, shuffle=False
)
for features, labels in tables.take(1):
    print(sorted(features), labels.numpy())
    print(features["town"].numpy(), features["a"].numpy())
