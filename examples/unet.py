"""A U-Net: says of each pixel what it shows, on pictures of disks and squares in noise.

python examples/unet.py
trivium source examples/unet.py:subclass --style functional

O. Ronneberger, P. Fischer, T. Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", 2015.
"""

import numpy as np
from common import options, show

import trivium as tv
from trivium import layers

SIZE, WIDTHS = 32, (8, 16)
KINDS = ("nothing", "disk", "square")


def shapes(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw pictures of a disk and a square in noise.

    Args:
        count: How many.
        seed: The seed of places, sizes and noise.

    Returns:
        The pictures, shape `(count, 32, 32, 1)`, and what each of their pixels shows, by the number of its kind.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    kinds = np.zeros((count, SIZE, SIZE), "int32")
    for picture in kinds:
        for kind in (1, 2):
            radius, (y, x) = rng.integers(3, 8), rng.integers(6, SIZE - 6, 2)
            across = np.hypot if kind == 1 else np.maximum
            picture[across(abs(rows - y), abs(columns - x)) < radius] = kind
    pictures = (kinds > 0) + rng.normal(0, 0.4, kinds.shape)
    return pictures[..., None].astype("float32"), kinds


def convolution(filters: int) -> layers.Layer:
    """Make the layer of which the network has most."""
    return layers.Conv2D(filters, 3, padding="same", activation="relu")


def functional() -> tv.Model:
    """Write it as a graph of calls: down, and up again with what was seen on the way down."""
    pictures = tv.Input((SIZE, SIZE, 1))
    x, seen = pictures, []
    for filters in WIDTHS:
        seen.append(convolution(filters)(x))
        x = layers.MaxPooling2D()(seen[-1])
    x = convolution(2 * WIDTHS[-1])(x)
    for filters in reversed(WIDTHS):
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = convolution(filters)(layers.Concatenate()([seen.pop(), x]))
    outputs = layers.Conv2D(len(KINDS), 1, activation="softmax", name="kinds")(x)
    return tv.Model(pictures, outputs, name="unet")


class UNet(tv.Model):
    """The network as a class."""

    def __init__(self):
        super().__init__(name="unet")
        self.down = [(convolution(filters), layers.MaxPooling2D()) for filters in WIDTHS]
        self.bottom = convolution(2 * WIDTHS[-1])
        self.up = [
            (
                layers.Conv2DTranspose(filters, 2, strides=2),
                layers.Concatenate(),
                convolution(filters),
            )
            for filters in reversed(WIDTHS)
        ]
        self.kinds = layers.Conv2D(len(KINDS), 1, activation="softmax", name="kinds")

    def call(self, pictures):
        """Turn pictures into probabilities of each kind, for each pixel."""
        x, seen = pictures, []
        for look, shrink in self.down:
            seen.append(look(x))
            x = shrink(seen[-1])
        x = self.bottom(x)
        for grow, join, look in self.up:
            x = look(join([seen.pop(), grow(x)]))
        return self.kinds(x)


def subclass() -> tv.Model:
    """Write it as a class of its own, and build it."""
    model = UNet()
    model.build((None, SIZE, SIZE, 1))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network: the edges across are what gave it its name."""
    return tv.viz.diagram(subclass())


def main(words: list[str] | None = None) -> None:
    """Train the class, and compare what it says of new pictures with what they show."""
    given = options(__doc__, words, epochs=10, limit=1000)
    x, y = shapes(given.limit)
    x_test, y_test = shapes(given.limit // 4, seed=1)

    tv.utils.set_random_seed(42)
    model = subclass()
    model.compile(
        loss="sparse_categorical_crossentropy",
        optimizer=tv.optimizers.Adam(0.003),
        metrics=[tv.metrics.MeanIoU(len(KINDS), sparse_y_pred=False, name="overlap")],
    )
    model.fit(x, y, batch_size=20, epochs=given.epochs, validation_data=(x_test, y_test), verbose=2)

    said = model.predict(x_test, verbose=0).argmax(-1)
    print("\nof the pixels of   are found")
    for number, kind in enumerate(KINDS):
        print(f"{kind:<18} {(said == number)[y_test == number].mean():.3f}")

    lowest = tv.Model(model.input, model.bottom.output)
    show("Cut out of the class", f"its lowest layer sees pictures of {lowest.output_shape[1:]};")
    print(
        f"{functional().fingerprint() == model.fingerprint()}: the graph of calls is the same program."
    )
    show("Which style?", tv.advise(model))
    show("The class, written as a graph of calls", tv.source(model, style="functional"))

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
