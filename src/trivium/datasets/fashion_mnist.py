"""Fashion-MNIST: 70,000 pictures of clothes, 28 by 28 pixels, in 10 classes.

The files come with the library, under the license that lies beside them.
"""

from __future__ import annotations

import hashlib
from importlib import resources

import numpy as np

from trivium.datasets._idx import read_idx
from trivium.datasets._types import Dataset

__all__ = ["CLASS_NAMES", "load_data"]

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

_FOLDER = resources.files("trivium.datasets") / "data" / "fashion_mnist"
_SHA256 = {
    "train-images-idx3": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    "train-labels-idx1": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    "t10k-images-idx3": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    "t10k-labels-idx1": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
}


def load_data() -> Dataset:
    """Load the dataset; no network is needed.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: new uint8 arrays of shapes `(60000, 28, 28)`,
        `(60000,)`, `(10000, 28, 28)` and `(10000,)`; pixels from 0 (background) to 255, labels from
        0 to 9, named by `CLASS_NAMES`.

    Raises:
        ValueError: A file of the installation is damaged.
        OSError: A file of the installation is missing.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()
        >>> x_train.shape, CLASS_NAMES[y_train[0]]
        ((60000, 28, 28), 'Ankle boot')

    Reference:
        Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine
        learning algorithms", 2017.
    """
    x_train, y_train, x_test, y_test = map(_read, _SHA256)
    return (x_train, y_train), (x_test, y_test)


def _read(name: str) -> np.ndarray:
    file = _FOLDER / f"{name}-ubyte.gz"
    content = file.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != _SHA256[name]:
        raise ValueError(
            f"{file} is damaged: its SHA-256 is {found} and should be {_SHA256[name]}. "
            "Install trivium anew."
        )
    return read_idx(content, str(file))
