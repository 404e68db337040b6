"""An autoencoder: 784 pixels through 32 numbers and back, learned from noisy images.

python examples/autoencoder.py
trivium source examples/autoencoder.py:sequential --style functional

P. Vincent et al., "Extracting and Composing Robust Features with Denoising Autoencoders", 2008.
"""

from common import fashion_mnist, options, show

import trivium as tv
from trivium import layers


def sequential(code: int = 32) -> tv.Model:
    """Write it as a stack of layers."""
    return tv.Sequential(
        [
            tv.Input((28, 28)),
            layers.GaussianNoise(0.2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(code, activation="relu", name="code"),
            layers.Dense(128, activation="relu"),
            layers.Dense(784, activation="sigmoid"),
            layers.Reshape((28, 28)),
        ],
        name="autoencoder",
    )


def functional() -> tv.Model:
    """Write it as a graph of calls."""
    images = tv.Input((28, 28))
    x = layers.GaussianNoise(0.2)(images)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation="relu")(x)
    code = layers.Dense(32, activation="relu", name="code")(x)
    x = layers.Dense(128, activation="relu")(code)
    x = layers.Dense(784, activation="sigmoid")(x)
    outputs = layers.Reshape((28, 28))(x)
    return tv.Model(images, outputs, name="autoencoder")


class Autoencoder(tv.Model):
    """The network as a class."""

    def __init__(self):
        super().__init__(name="autoencoder")
        self.noise = layers.GaussianNoise(0.2)
        self.flatten = layers.Flatten()
        self.compress = layers.Dense(128, activation="relu")
        self.code = layers.Dense(32, activation="relu", name="code")
        self.expand = layers.Dense(128, activation="relu")
        self.paint = layers.Dense(784, activation="sigmoid")
        self.reshape = layers.Reshape((28, 28))

    def call(self, images):
        """Turn images into images."""
        code = self.code(self.compress(self.flatten(self.noise(images))))
        return self.reshape(self.paint(self.expand(code)))


def subclass() -> tv.Model:
    """Write it as a class of its own, and build it."""
    model = Autoencoder()
    model.build((None, 28, 28))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network with its activations."""
    return tv.viz.diagram(subclass(), show_layer_activations=True)


def main(words: list[str] | None = None) -> None:
    """Train the class, cut the encoder out of it, and compare it with a narrower one."""
    given = options(__doc__, words, epochs=10, limit=4000)
    (x, _), (x_test, _) = fashion_mnist(given.limit)

    tv.utils.set_random_seed(42)
    model = subclass()
    model.compile(loss="mse", optimizer="adam")
    model.fit(x, x, epochs=given.epochs, validation_data=(x_test, x_test), verbose=2)

    encode = tv.Model(model.input, model.get_layer("code").output)
    codes = encode.predict(x_test, verbose=0)
    show("Cut out of the class", f"the encoder makes {codes.shape[1]} numbers of an image;")
    print(f"{(codes == 0).all(0).sum()} of them are 0 for every test image.")

    show("Which style?", tv.advise(model))
    show("The class, written as a stack", tv.source(model, style="sequential"))
    show("Against a narrower one", tv.diff(model, sequential(code=16), weights=False))

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
