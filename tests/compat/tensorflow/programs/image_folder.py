"""A folder of images, decoded by `tf.io`, augmented by `tf.image`, and a classifier trained on them."""

import os
import pathlib
import tempfile

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(11)
folder = pathlib.Path(tempfile.mkdtemp())
for number in range(16):
    kind = ("red", "blue")[number % 2]
    pixels = rng.integers(0, 90, (9 + number % 3, 12, 3)).astype("uint8")
    pixels[..., 2 * (number % 2)] += 120
    path = folder / kind / f"{number:02d}.png"
    tf.io.write_file(str(path), tf.io.encode_png(tf.constant(pixels)))

class_names = np.array(sorted(item.name for item in folder.glob("*")))
print(class_names, len(list(folder.glob("*/*.png"))))
paths = tf.data.Dataset.list_files(str(folder / "*/*.png"), shuffle=False)
print(paths.cardinality().numpy())


def decode(path):
    image = tf.io.decode_png(tf.io.read_file(path), channels=3)
    image = tf.image.convert_image_dtype(image, tf.float32)
    return tf.image.resize(image, [8, 8])


labels = np.array([int(name == "red") for name in ["blue"] * 8 + ["red"] * 8])
dataset = tf.data.Dataset.zip(
    (
        paths.map(decode, num_parallel_calls=tf.data.AUTOTUNE),
        tf.data.Dataset.from_tensor_slices(labels),
    )
)
for image, label in dataset.take(1):
    print(image.shape, image.dtype.name, label.numpy(), image.numpy()[0, 0].round(4))


def augment(image, label):
    image = tf.image.random_flip_left_right(image)
    image = tf.image.random_brightness(image, max_delta=0.1)
    image = tf.image.random_crop(image, size=[7, 7, 3])
    image = tf.image.resize_with_crop_or_pad(image, 8, 8)
    return tf.clip_by_value(image, 0.0, 1.0), label


augmented = dataset.map(augment, num_parallel_calls=2)
different = [
    float(tf.reduce_max(tf.abs(a - b))) > 0
    for (a, _), (b, _) in zip(dataset, augmented, strict=True)
]
print("changed", all(different))

model = tf.keras.Sequential(
    [
        tf.keras.Input((8, 8, 3)),
        tf.keras.layers.GlobalAveragePooling2D(),
        tf.keras.layers.Dense(1, activation="sigmoid", kernel_initializer="zeros"),
    ]
)
model.compile(tf.keras.optimizers.SGD(2.0), "binary_crossentropy", metrics=["accuracy"])
history = model.fit(dataset.batch(4), epochs=3, verbose=0)
print([round(v, 4) for v in history.history["loss"]])

image = next(iter(dataset))[0]
byte = tf.image.convert_image_dtype(image, tf.uint8)
for name, changed in {
    "flipped": tf.image.flip_up_down(byte),
    "turned": tf.image.rot90(byte),
    "gray": tf.image.rgb_to_grayscale(byte),
    "middle": tf.image.central_crop(byte, 0.5),
    "padded": tf.image.resize_with_pad(image, 10, 12),
    "contrast": tf.image.adjust_contrast(image, 1.5),
    "hue": tf.image.adjust_hue(image, 0.2),
    "saturation": tf.image.adjust_saturation(image, 0.5),
    "gamma": tf.image.adjust_gamma(image, 2.0),
    "standard": tf.image.per_image_standardization(image),
    "part": tf.image.crop_to_bounding_box(image, 1, 2, 3, 4),
    "area": tf.image.resize(image, [3, 3], method="area"),
    "lanczos": tf.image.resize(image, [5, 11], method="lanczos3"),
    "nearest": tf.image.resize(byte, [5, 11], method=tf.image.ResizeMethod.NEAREST_NEIGHBOR),
    "edges": tf.image.sobel_edges(image[tf.newaxis])[..., 0],
}.items():
    numbers = changed.numpy().astype("float64")
    print(
        name,
        changed.shape,
        changed.dtype.name,
        numbers.mean().round(3),
        numbers.ravel()[5].round(3),
    )
down, right = tf.image.image_gradients(image[tf.newaxis])
print(
    round(float(tf.reduce_sum(down * right)), 4), round(float(tf.image.total_variation(image)), 3)
)
print(tf.image.psnr(image, image * 0.9, max_val=1.0).numpy().round(2))
boxes = [[0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.45], [0.5, 0.5, 1.0, 1.0]]
kept = tf.image.non_max_suppression(boxes, [0.6, 0.9, 0.7], max_output_size=3)
print(kept.numpy())
crops = tf.image.crop_and_resize(image[tf.newaxis], boxes, [0, 0, 0], [2, 2])
print(crops.numpy().round(3)[..., 0].tolist())
print(os.path.exists(folder / "red"))
