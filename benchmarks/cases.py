"""What is measured: a function a case, on whatever library with Keras's names it is given.

To add one, write a function under `@case`. It gets the library's module and gives a `Training`, which is measured in
all ways that training has, or measures of its own: a dict of what `timed` gives, by name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["CASES", "Seconds", "Training", "case", "timed"]

Seconds = tuple[float, float]
Case = Callable[[Any], "Training | dict[str, Seconds]"]
CASES: dict[str, Case] = {}


@dataclass
class Training:
    """A compiled model and what to train it on; the same numbers for every library.

    Args:
        model: The model.
        x: The inputs.
        y: The targets.
        batch_size: Samples a step.
        predicted: How many samples `predict` gets; the inputs are repeated or cut to it.
        options: More arguments for `fit`.
    """

    model: Any
    x: np.ndarray
    y: np.ndarray
    batch_size: int
    predicted: int = 10_000
    options: dict[str, Any] | None = None


def timed(function: Callable[[], Any]) -> Seconds:
    """Return how long a call takes by the clock, and what all cores together worked for it."""
    clock, cores = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - clock, time.process_time() - cores


def case(function: Case) -> Case:
    """Add a case under its function's name."""
    CASES[function.__name__] = function
    return function


def _images(count: int, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images of noise around ten patterns, which a network can learn."""
    generator = np.random.default_rng(0)
    y = generator.integers(0, 10, count)
    patterns = generator.normal(size=(10, *shape)).astype("float32")
    return patterns[y] + generator.normal(size=(count, *shape)).astype("float32"), y


def _compiled(model: Any, optimizer: str = "sgd") -> Any:
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@case
def article(keras: Any) -> Training:
    """Two dense layers of 300 and 100 units on 28×28 pixels, batches of 32, validation after each epoch."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(300, activation="relu"),
            layers.Dense(100, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    x, y = _images(22_000, 28, 28)
    held = {"validation_data": (x[20_000:], y[20_000:])}
    return Training(_compiled(model), x[:20_000], y[:20_000], 32, options=held)


@case
def cnn(keras: Any) -> Training:
    """Two 3×3 convolutions of 32 and 64 filters, pooling, dropout, batches of 128."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    return Training(_compiled(model, "adam"), *_images(5_120, 28, 28, 1), 128)


def _blocks(keras: Any, x: Any, sizes: Iterable[tuple[int, int]]) -> Any:
    """Add residual blocks, each of so many filters with such a stride."""
    layers = keras.layers
    for filters, strides in sizes:
        y = layers.Conv2D(filters, 3, strides=strides, padding="same")(x)
        y = layers.Activation("relu")(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(y))
        if strides > 1:
            x = layers.Conv2D(filters, 1, strides=strides)(x)
        x = layers.Activation("relu")(layers.Add()([x, y]))
    return x


def _residual(keras: Any, shape: tuple[int, ...], sizes: list[tuple[int, int]]) -> Any:
    inputs = keras.Input(shape)
    x = keras.layers.Conv2D(sizes[0][0], 3, padding="same", activation="relu")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(_blocks(keras, x, sizes))
    return _compiled(keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x)))


@case
def resnet(keras: Any) -> Training:
    """Three residual blocks of 32, 64 and 128 filters on 28×28 pixels, batches of 64."""
    model = _residual(keras, (28, 28, 1), [(32, 1), (64, 2), (128, 2)])
    return Training(model, *_images(1_280, 28, 28, 1), 64, predicted=2_000)


@case
def deep(keras: Any) -> Training:
    """Sixteen residual blocks, two steps: what compiling costs."""
    model = _residual(keras, (14, 14, 8), [(32, 1)] * 16)
    return Training(model, *_images(64, 14, 14, 8), 32, predicted=64)
