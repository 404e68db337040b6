"""Batches of images for `ImageDataGenerator`: what all have in common, and those of arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from trivium.data.pydataset import PyDataset
from trivium.preprocessing.image.files import (
    array_to_img,
    check_data_format,
)
from trivium.state import floatx, suggest

__all__ = ["ChangedImages", "Changes", "Iterator", "NumpyArrayIterator", "split_of"]


class Changes(Protocol):
    """What changes images: `ImageDataGenerator`, or what programs put in its place."""

    validation_split: float

    def random_transform(self, x: np.ndarray) -> np.ndarray:
        """Return an image that is changed by chance."""

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """Return an image whose numbers are on the scale that is trained on."""


class Iterator(PyDataset):
    """Batches without an end, or by number: what the others here have in common.

    Args:
        n: How many samples there are.
        batch_size: Samples a batch.
        shuffle: Whether each epoch has another order.
        seed: What orders and changes are drawn from; by default NumPy's global generator goes on as it is.
        **kwargs: As `PyDataset` takes them.
    """

    def __init__(
        self, n: int, batch_size: int, shuffle: bool, seed: int | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.n, self.batch_size, self.shuffle, self.seed = n, batch_size, shuffle, seed
        self.batch_index = self.total_batches_seen = 0
        self.index_array: np.ndarray | None = None

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        if index >= len(self):
            raise IndexError(f"There are {len(self)} batches; got the number {index}.")
        return self._batch_at(index)

    # Both at once, as in Keras: `fit` asks for batches by number, older loops for `next` without an end.
    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        if self.batch_index == 0:
            self.index_array = None
        batch = self._batch_at(self.batch_index)
        self.batch_index = (self.batch_index + 1) % len(self)
        return batch

    def on_epoch_end(self) -> None:
        """Draw the order of the next epoch."""
        self._draw_order()

    def reset(self) -> None:
        """Go back to the first batch."""
        self.batch_index = 0

    def _batch_at(self, place: int) -> Any:
        # NumPy's global generator, and a seed that counts the batches: a seed gives what it gives in Keras, whose
        # programs draw changes of their own from there, too.
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)
        self.total_batches_seen += 1
        order = self._draw_order() if self.index_array is None else self.index_array
        return self._batch(order[place * self.batch_size : (place + 1) * self.batch_size])

    def _draw_order(self) -> np.ndarray:
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)
        return self.index_array

    def _batch(self, numbers: np.ndarray) -> Any:
        """Return the batch of the samples with these numbers."""
        raise NotImplementedError


class ChangedImages(Iterator):
    """Images that a generator changes, and that can be written into a folder to be looked at."""

    image_data_generator: Changes | None
    data_format: str
    dtype: str
    save_to_dir: str | None
    save_prefix: str
    save_format: str

    def _changed(self, images: Sequence[np.ndarray], numbers: np.ndarray) -> np.ndarray:
        changes = self.image_data_generator
        if changes is not None:
            # Changed by chance first, on the pixels' own scale, which brightness and the like are given in.
            images = [
                changes.standardize(changes.random_transform(i.astype(self.dtype))) for i in images
            ]
        batch = np.stack(images).astype(self.dtype)
        if self.save_to_dir:
            for image, number in zip(batch, numbers, strict=True):
                # A number by chance: an image comes again in each epoch, changed in another way.
                name = f"{self.save_prefix}_{number}_{np.random.randint(10**7)}.{self.save_format}"
                array_to_img(image, self.data_format).save(os.path.join(self.save_to_dir, name))
        return batch


class NumpyArrayIterator(ChangedImages):
    """Batches of arrays of images.

    Args:
        x: Images, shape `(count, height, width, channels)`; or a pair of them and other arrays, which stay as they are.
        y: What belongs to each.
        image_data_generator: Changes the images.
        batch_size: Images a batch.
        shuffle: Whether each epoch has another order.
        sample_weight: A weight for each image.
        seed: What orders and changes are drawn from.
        data_format: Where the channels are.
        save_to_dir: A folder that the changed images are written into.
        save_prefix: What their names begin with.
        save_format: What their names end with.
        subset: `"training"` or `"validation"`, where the generator has a `validation_split`.
        ignore_class_split: Whether the two may have different classes.
        dtype: The dtype of the images.

    Raises:
        ValueError: The arrays do not fit each other, or `x` is no images.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: Changes | None,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        ignore_class_split: bool = False,
        dtype: str | None = None,
    ) -> None:
        self.image_data_generator, self.dtype = image_data_generator, dtype or floatx()
        self.data_format = check_data_format(data_format)
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        others: list[Any] = []
        if isinstance(x, tuple | list):
            others = list(x[1]) if isinstance(x[1], list) else [x[1]]
            x = x[0]
        parts = {"x": np.asarray(x, self.dtype), "y": y, "sample_weight": sample_weight}
        parts |= {f"x[1][{i}]": other for i, other in enumerate(others)}
        arrays = {k: np.asarray(v) for k, v in parts.items() if v is not None}
        for name, array in arrays.items():
            if len(array) != len(arrays["x"]):
                raise ValueError(
                    f"`x` has {len(arrays['x'])} images and `{name}` {len(array)} entries: one for each."
                )
        if arrays["x"].ndim != 4:
            raise ValueError(
                f"`x` is images, with four axes: (count, height, width, channels); got shape {arrays['x'].shape}."
            )
        if subset is not None:
            # The first ones are for validation, whatever the order: each run has to leave out the same.
            cut = int(len(arrays["x"]) * split_of(image_data_generator, subset))
            part = slice(0, cut) if subset == "validation" else slice(cut, None)
            if y is not None and not ignore_class_split:
                _same_classes(arrays["y"][:cut], arrays["y"][cut:])
            arrays = {name: array[part] for name, array in arrays.items()}
        self.x, self.y = arrays["x"], arrays.get("y")
        self.sample_weight = arrays.get("sample_weight")
        self.x_misc = [arrays[f"x[1][{i}]"] for i in range(len(others))]
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _batch(self, numbers: np.ndarray) -> Any:
        images = self._changed(self.x[numbers], numbers)
        x = [images, *(other[numbers] for other in self.x_misc)] if self.x_misc else images
        if self.y is None:
            return x
        beside = (self.y, self.sample_weight)
        return (x, *(array[numbers] for array in beside if array is not None))


def split_of(generator: Changes | None, subset: str) -> float:
    """Return the part of the data that is for validation.

    Raises:
        ValueError: `subset` is no name of a part, or nothing says where the parts meet.
    """
    if subset not in ("training", "validation"):
        words = ["training", "validation"]
        raise ValueError(
            f"`subset` is 'training' or 'validation'; got {subset!r}. {suggest(str(subset), words)}"
        )
    if generator is None:
        raise ValueError(
            f"subset={subset!r} is a part of the data by `validation_split`, which is the generator's: give "
            "`image_data_generator`, e.g. ImageDataGenerator(validation_split=0.2)."
        )
    return float(generator.validation_split)


def _same_classes(first: np.ndarray, second: np.ndarray) -> None:
    if not np.array_equal(np.unique(first), np.unique(second)):
        raise ValueError(
            "The parts for validation and for training have different classes: `y` is sorted, perhaps. Mix the arrays "
            "before, or take ignore_class_split=True."
        )
