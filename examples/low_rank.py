"""Fine-tuning with low rank: a trained network learns new classes by small factors, and keeps its kernels in few bits.

python examples/low_rank.py
trivium source examples/low_rank.py:functional --style subclass

E. Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021. T. Dettmers et al., "QLoRA: Efficient
Finetuning of Quantized LLMs", 2023.
"""

import copy

import numpy as np
from common import Images, fashion_mnist, options, show

import trivium as tv
from trivium import layers

RANK = 4


def functional() -> tv.Model:
    """Return the network, written with the Functional API."""
    image = tv.Input((28, 28, 1), name="image")
    x = layers.Conv2D(8, 5, strides=3, activation="relu", name="windows")(image)
    x = layers.Flatten()(x)
    x = layers.Dense(64, activation="relu", name="hidden")(x)
    return tv.Model(image, layers.Dense(10, name="classes")(x), name="network")


def sequential() -> tv.Model:
    """Return the same network, written as a stack."""
    return tv.Sequential(
        [
            tv.Input((28, 28, 1), name="image"),
            layers.Conv2D(8, 5, strides=3, activation="relu", name="windows"),
            layers.Flatten(),
            layers.Dense(64, activation="relu", name="hidden"),
            layers.Dense(10, name="classes"),
        ],
        name="network",
    )


class Network(tv.Model):
    """The same network, written as a class."""

    def __init__(self) -> None:
        super().__init__(name="network")
        self.windows = layers.Conv2D(8, 5, strides=3, activation="relu", name="windows")
        self.flatten = layers.Flatten()
        self.hidden = layers.Dense(64, activation="relu", name="hidden")
        self.classes = layers.Dense(10, name="classes")

    def call(self, image):
        """Compute the logits."""
        return self.classes(self.hidden(self.flatten(self.windows(image))))


def subclass() -> tv.Model:
    """Return the network, written as a class and built."""
    network = Network()
    network.build((None, 28, 28, 1))
    return network


def adapt(network: tv.Model) -> None:
    """Keep the network's kernels in eight bits, and give them factors to train: nothing else is trained then."""
    network.quantize("int8")
    for name in ("windows", "hidden", "classes"):
        layer = network.get_layer(name)
        layer.enable_lora(RANK)
        layer.bias.trainable = False


def bytes_of(network: tv.Model) -> int:
    """Return how many bytes the weights take."""
    return sum(w.size * np.dtype(w.dtype).itemsize for w in network.weights)


def table(network: tv.Model, images: np.ndarray, labels: np.ndarray) -> str:
    """Return what a network's weights take in each form, and what that costs."""
    logits = network.predict(images, verbose=0)
    lines = ["form     bytes   accuracy   logits change by up to"]
    for mode in ("float32", "int8", "int4", "float8"):
        other = copy.deepcopy(network)
        if mode != "float32":
            other.quantize(mode)
        said = other.predict(images, verbose=0)
        right, change = np.mean(said.argmax(axis=1) == labels), np.abs(said - logits).max()
        lines.append(f"{mode:<8}{bytes_of(other):>6}{right:>11.1%}{change:>12.3f}")
    return "\n".join([*lines, f"The logits' size is {np.abs(logits).mean():.2f} on average."])


def train(network: tv.Model, images: Images, epochs: int) -> None:
    """Train what is not frozen."""
    loss = tv.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(tv.optimizers.Adam(3e-3), loss, metrics=["accuracy"])
    network.fit(*images, epochs=epochs, batch_size=64, verbose=0)


def main(words: list[str] | None = None) -> None:
    """Run the example."""
    said = options(__doc__, words, epochs=4, limit=3000)
    tv.utils.set_random_seed(42)
    (images, labels), (test, answers) = fashion_mnist(said.limit)
    images, test = images[..., None], test[..., None]
    old = labels < 5

    network = functional()
    train(network, (images[old], labels[old]), said.epochs)
    before = bytes_of(network)
    known = network.evaluate(test, answers, verbose=0)[1]
    seen = f"{known:.1%} of all images are named rightly: five of the ten classes are new."
    show("A network that has seen the first five classes", seen)

    show("Its kernels in fewer bits", table(network, test, answers))

    adapt(network)
    trained = sum(w.size for w in network.trainable_weights)
    show(
        "Its kernels in eight bits, and factors beside them",
        f"The weights take {bytes_of(network)} bytes, the factors among them; they took {before}.\n"
        f"Trained are {trained} numbers: {sorted({w.name for w in network.trainable_weights})}.",
    )

    kept = network.get_layer("hidden").get_weights()[3]
    train(network, (images, labels), said.epochs)
    learned = network.evaluate(test, answers, verbose=0)[1]
    still = np.array_equal(network.get_layer("hidden").get_weights()[3], kept)
    show(
        "Trained on all ten",
        f"{learned:.1%} of all images are named rightly now.\n"
        f"The kernels in eight bits are what they were: {still}",
    )

    other = subclass()
    adapt(other)
    other.set_weights(network.get_weights())
    same = np.array_equal(other.predict(test, verbose=0), network.predict(test, verbose=0))
    merged = np.asarray(network.get_layer("hidden").kernel)
    show(
        "The same, written as a class",
        f"the same fingerprint: {other.fingerprint() == network.fingerprint()}\n"
        f"the same predictions, to the bit: {same}\n"
        f"`layer.kernel` is the kernel with its factors: {merged.dtype} numbers, shape {merged.shape}",
    )
    if said.draw:
        tv.utils.plot_model(network, said.draw, show_shapes=True)


if __name__ == "__main__":
    main()
