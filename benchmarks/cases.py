"""What is measured: a function a case, which makes the network of whatever library with Keras's names it is given.

To add one, write such a function under `@training` and say its data, batches, measures and goals. PyTorch and plain JAX
have networks of the same names in `benchmarks/drivers/`. A `@command` is a program that is run whole.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.case import CASES, KERAS, MAIN, command, goals, training
from benchmarks.data import VOCABULARY, images, in_file, patterns, tokens

__all__ = ["CASES"]

ROOT = Path(__file__).parents[1]
PROGRAM = ROOT / "tests" / "compat" / "programs" / "article_sequential.py"
DATA = ROOT / "src" / "trivium" / "datasets" / "data" / "fashion_mnist"
BY_HAND = (*KERAS, "torch")
IMAGES = (*MAIN, "torch-channels-last")
ONE = ("predict one", "call one", "train_on_batch")
PREDICT = goals("predict", 1.2, 1.2, 1.0)
PREDICT_ONE = goals("predict one", 1.5, 50)


def _square(count: int) -> Any:
    return patterns(count, 28, 28)


def _sequences(count: int) -> Any:
    return patterns(count, 100, 16)


def _classifier(keras: Any, *body: Any) -> Any:
    """Return a stack that ends in ten classes."""
    return keras.Sequential([*body, keras.layers.Dense(10, activation="softmax")])


@training(
    _square, 600, 32, "small_program", about="The article's network, 600 samples, one epoch.",
    of="article", optimizer="sgd", libraries=KERAS, fresh=True, measures=("whole process",),
    goals=goals("whole process", 2, 1.3),
)  # fmt: skip
@training(
    _square, 20_000, 32, "second_run", about="The same in the second process: programs are kept.",
    of="article", optimizer="sgd", libraries=(*BY_HAND, "keras-jax-cached"), fresh=True, cached=True,
    measures=("cold start", "whole process"), goals=goals("cold start", 2.5, 3, 1),
)  # fmt: skip
@training(
    _square, 20_000, 32, "cold_start", about="The article's network, to the end of the first epoch.",
    of="article", optimizer="sgd", libraries=BY_HAND, fresh=True, measures=("cold start", "whole process"),
    goals=goals("cold start", 2, 3),
)  # fmt: skip
@training(
    _square, 20_000, 32, optimizer="sgd", held=1_920, predicted=10_000, libraries=(*MAIN, "gemms"),
    measures=("epoch", "predict", *ONE, "memory"),
    goals=goals("epoch", 1.6, 4, 2, 1, gemms=1 / 1.5) | PREDICT | PREDICT_ONE | goals("memory", 1 / 0.6, 1 / 0.6),
)  # fmt: skip
def article(keras: Any) -> Any:
    """Two dense layers of 300 and 100 units on 28×28 pixels, validated after each epoch."""
    layers = keras.layers
    return _classifier(
        keras,
        keras.Input((28, 28)),
        layers.Flatten(),
        layers.Dense(300, activation="relu"),
        layers.Dense(100, activation="relu"),
    )


@training(
    images, 5_120, 128, predicted=10_000, libraries=IMAGES, measures=("epoch", "predict"),
    goals=goals("epoch", 4, 1.1, 1, 10, torch_channels_last=1) | PREDICT,
)  # fmt: skip
def cnn(keras: Any) -> Any:
    """Two 3×3 convolutions of 32 and 64 filters, pooling, dropout."""
    layers = keras.layers
    return _classifier(
        keras,
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(0.5),
    )


@training(
    images, 1_280, 64, optimizer="sgd", predicted=512, libraries=IMAGES, measures=("epoch", "predict"),
    goals=goals("epoch", 1.2, 0.6, 0.7, torch_channels_last=0.7),
)  # fmt: skip
def resnet(keras: Any) -> Any:
    """Three residual blocks of 32, 64 and 128 filters on 28×28 pixels."""
    layers = keras.layers
    inputs = keras.Input((28, 28, 1))
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(inputs)
    for filters, strides in ((32, 1), (64, 2), (128, 2)):
        y = layers.Conv2D(filters, 3, strides=strides, padding="same")(x)
        y = layers.Activation("relu")(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(y))
        if strides > 1:
            x = layers.Conv2D(filters, 1, strides=strides)(x)
        x = layers.Activation("relu")(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


recurrent = training(
    _sequences, 1_920, 32, measures=("epoch", "predict"), predicted=1_920,
    goals=goals("epoch", 1.2, 1.4, 1.5, 0.95),
)  # fmt: skip


@recurrent
def lstm(keras: Any) -> Any:
    """An LSTM of 64 units over 100 steps of 16 numbers."""
    return _classifier(keras, keras.Input((100, 16)), keras.layers.LSTM(64))


@recurrent
def gru(keras: Any) -> Any:
    """A GRU of 64 units over 100 steps of 16 numbers."""
    return _classifier(keras, keras.Input((100, 16)), keras.layers.GRU(64))


@training(
    _sequences, 1_920, 32, measures=("epoch", "predict"), predicted=1_920,
    goals=goals("epoch", 1.2, 1.5, 1.3, 0.95),
)  # fmt: skip
def transformer(keras: Any) -> Any:
    """A transformer block of 64 numbers and 4 heads over 100 steps."""
    layers = keras.layers
    inputs = keras.Input((100, 16))
    x = layers.Dense(64)(inputs)
    y = layers.MultiHeadAttention(num_heads=4, key_dim=16)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    y = layers.Dense(64)(layers.Dense(128, activation="relu")(x))
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


@training(tokens, 6_400, 128, goals=goals("epoch", 1.3, 1.3, 1.2, 0.95))
def embeddings(keras: Any) -> Any:
    """A table of 200,000 rows of 32 numbers, 20 of which are looked up and averaged."""
    layers = keras.layers
    table = layers.Embedding(VOCABULARY, 32)
    return _classifier(
        keras, keras.Input((20,), dtype="int32"), table, layers.GlobalAveragePooling1D()
    )


def _rows(count: int) -> Any:
    return patterns(count, 500)


@training(
    _rows, 12_800, 128, predicted=10_000, measures=("epoch", "predict"),
    goals=goals("epoch", 1.3, 1.3, 1.2, 0.95),
)  # fmt: skip
def tabular(keras: Any) -> Any:
    """Three times 512 units with batch normalization and dropout, on 500 columns."""
    layers = keras.layers
    body = [
        layer
        for _ in range(3)
        for layer in (
            layers.Dense(512, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Dropout(0.2),
        )
    ]
    return _classifier(keras, keras.Input((500,)), *body)


def _columns(count: int) -> Any:
    return patterns(count, 20)


def _stack(depth: int) -> Callable[[Any], Any]:
    """Return the maker of a stack of so many dense layers."""

    def network(keras: Any) -> Any:
        body = [keras.layers.Dense(32, activation="relu") for _ in range(depth - 1)]
        return _classifier(keras, keras.Input((20,)), *body)

    return network


for depth in (10, 40, 75, 260):
    training(
        _columns, 3_200, 32, f"depth_{depth}", about=f"A stack of {depth} dense layers of 32 units.",
        optimizer="sgd", libraries=KERAS, measures=("epoch", *ONE),
        goals=PREDICT_ONE,
    )(_stack(depth))  # fmt: skip

for count in (1_000, 10_000, 100_000, 1_000_000):
    training(
        _columns, count, 128, f"rows_{count}", about=f"{count:,} rows of 20 columns, three dense layers.",
        optimizer="sgd", libraries=KERAS,
    )(_stack(3))  # fmt: skip


def _nested(blocks: int) -> Callable[[Any], Any]:
    """Return the maker of a network whose residual blocks are models themselves."""

    def block(keras: Any) -> Any:
        layers = keras.layers
        x = keras.Input((8, 8, 8))
        y = layers.Conv2D(8, 3, padding="same")(x)
        y = layers.Activation("relu")(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(y))
        return keras.Model(x, layers.Activation("relu")(layers.Add()([x, y])))

    def network(keras: Any) -> Any:
        inputs = x = keras.Input((8, 8, 8))
        for _ in range(blocks):
            x = block(keras)(x)
        x = keras.layers.GlobalAveragePooling2D()(x)
        return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))

    return network


first_step = {
    "optimizer": "sgd", "libraries": KERAS, "fresh": True, "measures": ("first step",),
}  # fmt: skip
training(
    _columns, 32, 32, "deep_200", about="200 dense layers: what comes before the second step.",
    goals=goals("first step", 4, 1), **first_step,
)(_stack(200))  # fmt: skip
for blocks in (8, 16, 32, 64):
    training(
        functools.partial(images, size=8, channels=8), 32, 32, f"blocks_{blocks}",
        about=f"{blocks} nested residual blocks: what comes before the second step.",
        goals=goals("first step", 4, 1) if blocks == 32 else {}, **first_step,
    )(_nested(blocks))  # fmt: skip


@training(in_file, 320_000, 128, optimizer="sgd", libraries=KERAS, measures=("epoch", "memory"))
def streaming(keras: Any) -> Any:
    """A gigabyte that stays in its file, two dense layers."""
    layers = keras.layers
    return _classifier(keras, keras.Input((784,)), layers.Dense(128, activation="relu"))


@command(
    (*KERAS, "torch", "jax"),
    goals("whole process", 3, 5, None, 1 / 1.35),
)
def imports(library: str, python: str, scale: float) -> list[str]:
    """Import the library, and end."""
    name = {"trivium": "trivium", "jax": "jax", "torch": "torch"}.get(library, "keras")
    return [python, "-c", f"import {name}"]


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory()  # Lives as long as the process.
    # Where Keras looks for Fashion-MNIST, so that nothing is downloaded.
    shutil.copytree(DATA, Path(folder.name) / "datasets" / "fashion-mnist")
    return folder


@command(KERAS, goals("whole process", 3, 5))
def article_program(library: str, python: str, scale: float) -> list[str]:
    """The article's whole program with its plots: as it is, by `trivium run`, and with `keras` for `tf.keras`."""
    text = PROGRAM.read_text()
    if library == "keras-jax":
        text = text.replace("import tensorflow as tf", "import keras").replace("tf.keras", "keras")
        text = text.replace("tf.random.set_seed", "keras.utils.set_random_seed")
    folder = _folder().name
    # Beside the program is where figures are saved.
    program = Path(folder) / f"{library}.py"
    program.write_text(text)
    run = ["env", f"KERAS_HOME={folder}", python]
    run += ["-m", "trivium", "run"] if library == "trivium" else []
    return [
        *run,
        str(program),
        str(round(60_000 * min(1, 2 * scale))),
        str(max(1, round(30 * scale))),
    ]
