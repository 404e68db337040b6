"""Windows of a time series, cut by `window`, `flat_map` and `batch`, and a forecast trained on them."""

import numpy as np
import tensorflow as tf

steps = np.arange(80, dtype="float32")
series = (np.sin(steps / 5) + 0.02 * steps).astype("float32")

windows = tf.data.Dataset.range(6).window(4, shift=1, drop_remainder=True)
for window in windows:
    print([int(i.numpy()) for i in window])

parts = tf.data.Dataset.range(7).window(3, shift=2, stride=2)
print([[int(i) for i in part] for part in parts])


def windowed(series, size, batch):
    dataset = tf.data.Dataset.from_tensor_slices(series)
    dataset = dataset.window(size + 1, shift=1, drop_remainder=True)
    dataset = dataset.flat_map(lambda window: window.batch(size + 1))
    dataset = dataset.map(lambda window: (window[:-1], window[-1:]))
    return dataset.batch(batch).prefetch(1)


dataset = windowed(series, 8, 16)
x, y = next(iter(dataset))
print(x.shape, y.shape, x.numpy()[0, :3], y.numpy()[0])

model = tf.keras.Sequential(
    [tf.keras.Input((8,)), tf.keras.layers.Dense(1, kernel_initializer="zeros")]
)
model.compile("sgd", "mse", metrics=["mae"])
history = model.fit(dataset, epochs=5, verbose=0)
print([round(v, 5) for v in history.history["loss"]])
print(model.predict(series[np.newaxis, -8:], verbose=0).round(4))

pairs = tf.data.Dataset.from_tensor_slices({"a": [1, 2, 3, 4], "b": [5, 6, 7, 8]}).window(2)
for pair in pairs:
    print([int(i) for i in pair["a"]], [int(i) for i in pair["b"]])

groups = tf.data.Dataset.range(10).group_by_window(
    key_func=lambda i: i % 3, reduce_func=lambda key, group: group.batch(4), window_size=4
)
print([g.numpy().tolist() for g in groups])
sentences = tf.data.Dataset.from_generator(
    lambda: iter([[1], [2, 3], [4, 5, 6], [7], [8, 9, 10, 11]]),
    output_signature=tf.TensorSpec([None], tf.int32),
)
buckets = sentences.bucket_by_sequence_length(
    lambda s: tf.shape(s)[0], bucket_boundaries=[3], bucket_batch_sizes=[2, 2]
)
for bucket in buckets:
    print(bucket.numpy().tolist())

running = tf.data.Dataset.range(1, 6).scan(
    initial_state=np.int64(0), scan_func=lambda total, i: (total + i, total + i)
)
print([int(i) for i in running.as_numpy_iterator()])
print(tf.data.Dataset.range(5).reduce(np.int64(0), lambda a, b: a + b).numpy())
chosen = tf.data.Dataset.choose_from_datasets(
    [tf.data.Dataset.from_tensors(s).repeat() for s in (10, 20, 30)],
    tf.data.Dataset.range(3).repeat(2),
)
print([int(i) for i in chosen])
print([int(i) for i in tf.data.Dataset.from_tensor_slices([1, 5, 1, 7, 5]).unique()])
