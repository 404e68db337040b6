"""A classifier of images in a folder, a subfolder for each class; one of the files is damaged, as in life.

python examples/image_classifier.py
trivium source examples/image_classifier.py:subclass --style functional

The files are read by threads, ahead of the training. Each time that an image is seen, it is turned, moved and lit in
another way: by layers of the model, which do so in training alone, so the model that is saved takes images as they are.

P. Simard, D. Steinkraus, J. Platt, "Best Practices for Convolutional Neural Networks Applied to Visual Document
Analysis", 2003, show what that is good for.
"""

import tempfile
from pathlib import Path

import numpy as np
from common import options, show

import trivium as tv
from trivium import layers

# In the order of their numbers in Fashion-MNIST; its own names have characters that a folder's cannot have.
KINDS = [
    "T-shirt",
    "Trousers",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Boot",
]


def write(folder: Path, images: np.ndarray, kinds: np.ndarray) -> None:
    """Write images as PNG files: `folder/Bag/12.png`.

    Args:
        folder: Where to.
        images: The images, from 0 to 255, of shape `(count, 28, 28)`.
        kinds: What each shows.
    """
    for name in KINDS:
        (folder / name).mkdir(parents=True)
    for i, (image, kind) in enumerate(zip(images, kinds, strict=True)):
        tv.utils.save_img(folder / KINDS[kind] / f"{i}.png", image[..., None], scale=False)


def damage(path: Path) -> None:
    """Cut a file off in the middle, as a download does that ends too early."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def augmentation() -> tv.Model:
    """Make other images of images; with `training=False` they stay as they are."""
    return tv.Sequential(
        [
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(0.03),
            layers.RandomTranslation(0.08, 0.08),
            layers.RandomContrast(0.2, value_range=(0, 1)),
        ],
        name="augmentation",
    )


def sequential() -> tv.Model:
    """Write it as a stack: pixels from 0 to 255 go in, as the files have them."""
    return tv.Sequential(
        [
            tv.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            augmentation(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(len(KINDS), activation="softmax"),
        ],
        name="image_classifier",
    )


def functional() -> tv.Model:
    """Write it as a graph of calls."""
    image = tv.Input((28, 28, 1))
    x = augmentation()(layers.Rescaling(1 / 255)(image))
    for filters in (16, 32):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    answer = layers.Dense(len(KINDS), activation="softmax")(layers.Flatten()(x))
    return tv.Model(image, answer, name="image_classifier")


class ImageClassifier(tv.Model):
    """The network as a class."""

    def __init__(self):
        super().__init__(name="image_classifier")
        self.scale, self.augment = layers.Rescaling(1 / 255), augmentation()
        self.look = [layers.Conv2D(filters, 3, activation="relu") for filters in (16, 32)]
        self.halve = [layers.MaxPooling2D() for _ in self.look]
        self.flat, self.answer = layers.Flatten(), layers.Dense(len(KINDS), activation="softmax")

    def call(self, image):
        """Turn images into probabilities of the kinds."""
        x = self.augment(self.scale(image))
        for look, halve in zip(self.look, self.halve, strict=True):
            x = halve(look(x))
        return self.answer(self.flat(x))


def subclass() -> tv.Model:
    """Write it as a class of its own; a call on a symbolic input builds it."""
    model = ImageClassifier()
    model(tv.Input((28, 28, 1)))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network."""
    return tv.viz.diagram(subclass())


def from_folder(folder: Path, **how) -> tv.data.Dataset:
    """Read a folder of such images; a file that cannot be read is left out, and noted."""
    return tv.utils.image_dataset_from_directory(
        folder, class_names=KINDS, color_mode="grayscale", image_size=(28, 28), errors="skip", **how
    )


def trained(folder: Path, epochs: int) -> tuple[tv.Model, list]:
    """Train it on a folder, of which a fifth is held back.

    Args:
        folder: The folder.
        epochs: How often it is gone through.

    Returns:
        The model, and the files that were left out.
    """
    tv.utils.set_random_seed(42)
    train, held = from_folder(folder, validation_split=0.2, subset="both")
    model = sequential()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(train, validation_data=held, epochs=epochs, verbose=2)
    return model, [*train.errors, *held.errors]


def main(words: list[str] | None = None) -> None:
    """Write a folder of images, train on it, test on another one, and keep the model in a file.

    Args:
        words: The words of the command line.
    """
    given = options(__doc__, words, epochs=20, limit=1000)
    (x, y), (x_test, y_test) = tv.datasets.fashion_mnist.load_data()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "train", x[: given.limit], y[: given.limit])
        write(folder / "test", x_test[: given.limit // 2], y_test[: given.limit // 2])
        damage(min(folder.glob("train/Bag/*.png")))

        model, left_out = trained(folder / "train", given.epochs)
        files = [Path(skipped.place).name for skipped in left_out]
        show("Left out", f"{len(files)} of {given.limit} files could not be read: {files}")

        test = from_folder(folder / "test", shuffle=False, verbose=False)
        right = model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
        usual = np.bincount(y_test[: given.limit // 2]).max() / (given.limit // 2)
        show("Tested", f"{right:.3f} are right; {usual:.3f} would be with one answer for all")

        model.save(folder / "image_classifier.keras")
        loaded = tv.models.load_model(folder / "image_classifier.keras")
        chances, again = (m.predict(test, verbose=0) for m in (model, loaded))
        best = int(chances.max(axis=1).argmax())
        path = Path(test.file_paths[best]).relative_to(folder)
        show(
            f"The surest answer, of {path}",
            f"{KINDS[chances[best].argmax()]}: {chances[best].max():.0%}",
        )
        print(f"the model from the file says the same: {np.array_equal(chances, again)}")

    show(
        "The same network as a class, written as a stack", tv.source(subclass(), style="sequential")
    )
    same = model.fingerprint() == subclass().fingerprint()
    print(f"\nthe same fingerprint as the stack that was trained: {same}")

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
