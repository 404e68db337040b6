"""Which batches a model sees: the same as in the real Keras."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from oracle import recorded

from trivium.data import (
    PyDataset,
    class_weights_to_sample_weights,
    make_source,
    pack_x_y_sample_weight,
    unpack_x_y_sample_weight,
    validation_split,
)
from trivium.state.trees import map_leaves, named_leaves

N = 10
X = np.arange(N * 3, dtype="float64").reshape(N, 3)
Y = np.arange(N) % 3
W = np.linspace(0.5, 1.5, N)


def keras_epochs(
    keras: Any, epochs: int, *args: Any, steps: int | None = None, **kwargs: Any
) -> list:
    """What Keras feeds a model, epoch by epoch, and whether it warned: the parts of each batch, by name."""
    from keras.src.trainers.data_adapters.data_adapter_utils import unpack_x_y_sample_weight
    from keras.src.trainers.epoch_iterator import EpochIterator

    iterator = EpochIterator(*args, steps_per_epoch=steps, **kwargs)
    iterator.reset()
    seen = []
    for _ in range(epochs):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            batches = [
                [
                    # The dtype that the model sees.
                    (name, a if a is None else jnp.asarray(a))
                    for name, a in named_leaves(unpack_x_y_sample_weight(batch), "batch")
                ]
                for _, _, buffer in iterator
                for batch in buffer
            ]
        seen.append((batches, bool(caught)))
    return seen


def adapters(keras: Any) -> Any:
    from keras.src.trainers.data_adapters import data_adapter_utils

    return data_adapter_utils


def our_epochs(epochs: int, *args: Any, **kwargs: Any) -> list:
    source = make_source(*args, **kwargs)
    seen, step = [], 0
    for _ in range(epochs):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if hasattr(source, "order"):
                order, size = source.order(0, step), source.batch_size
                rows = [order[i : i + size] for i in range(0, len(order), size)]
                batches = [map_leaves(lambda a, r=r: np.asarray(a)[r], source.data) for r in rows]
            else:
                batches = list(source.batches())
        step += len(batches)
        seen.append((batches, bool(caught)))
    return seen


def assert_same(ours: list, theirs: list) -> None:
    assert len(ours) == len(theirs)
    for (our_batches, our_warning), (their_batches, their_warning) in zip(
        ours, theirs, strict=True
    ):
        assert our_warning == their_warning
        assert len(our_batches) == len(their_batches)
        for our_batch, other in zip(our_batches, their_batches, strict=True):
            one = list(named_leaves(unpack_x_y_sample_weight(our_batch), "batch"))
            assert [name for name, _ in one] == [name for name, _ in other]
            for (name, a), (_, b) in zip(one, other, strict=True):
                if a is None:
                    assert b is None, name
                    continue
                assert (a.dtype, a.shape) == (b.dtype, b.shape), name
                np.testing.assert_array_equal(a, b, err_msg=name)


FRAME = pd.DataFrame({"a": np.arange(N, dtype="float64"), "b": np.arange(N)})
IMAGES = np.arange(N * 4, dtype="uint8").reshape(N, 2, 2)

ARRAY_CALLS: dict[str, tuple[tuple, dict]] = {
    "x alone": ((X,), {}),
    "x, y": ((X, Y), {"batch_size": 4}),
    "1-D x": ((X[:, 0], Y), {"batch_size": 5}),
    "one batch": ((X, Y), {"batch_size": 100}),
    "weights": ((X, Y, W), {"batch_size": 3}),
    "weights as a column": ((X, Y, W[:, None]), {"batch_size": 3}),
    "weights by step": ((X, np.zeros((N, 4, 2)), np.ones((N, 4))), {"batch_size": 3}),
    "list of inputs": (([X, X[:, :1]], [Y, X]), {"batch_size": 4}),
    "tuple of inputs": (((X, X[:, :1]), (Y, X)), {"batch_size": 4}),
    "dicts": (({"b": X, "a": IMAGES}, {"out": Y}), {"batch_size": 4}),
    "one weight for two outputs": (
        (X, {"p": Y, "q": X}, W),
        {"batch_size": 4},
    ),
    "a weight for each output": ((X, [Y, X], [W, 2 * W]), {"batch_size": 4}),
    "an output without targets": ((X, [None, Y]), {"batch_size": 4}),
    "data frame": ((FRAME, FRAME["b"]), {"batch_size": 4}),
    "frame of whole numbers": ((FRAME[["b"]], FRAME[["a"]]), {"batch_size": 4}),
    "series in a dict": (({"a": FRAME["a"], "b": FRAME["b"]}, Y), {"batch_size": 4}),
    "jax arrays": ((jnp.asarray(X), jnp.asarray(Y)), {"batch_size": 4}),
    "bytes, booleans, half floats": (
        ([IMAGES, IMAGES > 7, X.astype("float16")], Y.astype("uint8")),
        {"batch_size": 4},
    ),
    "small whole numbers": ((X.astype("int16"), Y.astype("uint32")), {"batch_size": 4}),
    "class weights": ((X, Y), {"batch_size": 4, "class_weight": {0: 1.0, 1: 2.0, 2: 0.5}}),
    "class weights, one-hot": (
        (X, np.eye(3)[Y]),
        {"batch_size": 4, "class_weight": {0: 1.0, 1: 2.0, 2: 0.5}},
    ),
    "class weights, column": (
        (X, Y[:, None]),
        {"batch_size": 4, "class_weight": {0: 1, 1: 2, 2: 3}},
    ),
    "steps alone": ((X, Y), {"steps": 3}),
    "steps that divide": ((X, Y), {"batch_size": 3, "steps": 2}),
    "steps that do not divide": ((X, Y), {"batch_size": 4, "steps": 2}),
    "as many steps as batches": ((X, Y), {"batch_size": 4, "steps": 3}),
    "more steps than batches": ((X, Y), {"batch_size": 4, "steps": 5}),
}


@pytest.mark.parametrize("name", ARRAY_CALLS)
def test_arrays_give_the_batches_of_keras(name: str) -> None:
    args, kwargs = ARRAY_CALLS[name]
    theirs = recorded(lambda keras: keras_epochs(keras, 4, *args, **kwargs))
    assert_same(our_epochs(4, *args, **kwargs), theirs)


class OurBatches(PyDataset):
    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> tuple:
        return np.full((2, 3), index, "float64"), np.array([index, 1])


def their_batches(keras: Any, **kwargs: Any) -> Any:
    class TheirBatches(keras.utils.PyDataset):
        __len__, __getitem__ = OurBatches.__len__, OurBatches.__getitem__

    return TheirBatches(**kwargs)


@pytest.mark.parametrize("steps", [None, 2, 5, 7])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_pydataset_gives_the_batches_of_keras(steps: int | None, workers: int) -> None:
    theirs = recorded(
        lambda keras: keras_epochs(keras, 4, their_batches(keras, workers=workers), steps=steps)
    )
    assert_same(our_epochs(4, OurBatches(workers=workers), steps=steps), theirs)


def test_class_weights_reach_a_pydataset_as_in_keras() -> None:
    weights = dict(enumerate([1.0, 2.0, 3.0, 4.0, 5.0]))
    theirs = recorded(
        lambda keras: keras_epochs(keras, 1, their_batches(keras), class_weight=weights)
    )
    assert_same(our_epochs(1, OurBatches(), class_weight=weights), theirs)


def test_a_generator_goes_on_from_epoch_to_epoch_as_in_keras() -> None:
    def generate() -> Any:
        for i in itertools.count():
            yield np.full((2, 1), i, "float32"), np.zeros(2, "float32"), np.ones(2, "float32")

    theirs = recorded(lambda keras: keras_epochs(keras, 3, generate(), steps=2))
    assert_same(our_epochs(3, generate(), steps=2), theirs)


def test_a_model_sees_what_a_keras_model_sees() -> None:
    x = {"b": np.arange(N), "a": FRAME["a"]}

    def seen_by_keras(keras: Any) -> Any:
        seen: list[tuple] = []

        class Spy(keras.Model):
            def __init__(self) -> None:
                super().__init__()
                self.scale = self.add_weight(shape=())

            def call(self, x: Any) -> Any:
                return keras.ops.cast(x["b"], "float32") * self.scale

            def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):  # type: ignore[no-untyped-def]
                spec = keras.tree.map_structure(lambda a: (str(a.dtype), tuple(a.shape)), (x, y))
                seen.append((spec, (str(sample_weight.dtype), tuple(sample_weight.shape))))
                return keras.ops.mean(y_pred)

        model = Spy()
        model.compile()
        model.fit(x, Y, sample_weight=W, batch_size=5, verbose=0)
        return seen[-1]

    example = make_source(x, Y, W, batch_size=5).example()
    ours = map_leaves(lambda a: (str(a.dtype), a.shape), example)
    assert recorded(seen_by_keras) == ((ours[0], ours[1]), ours[2])


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.2, 0.25, 0.5, 0.7, 0.89])
def test_validation_split_is_that_of_keras(fraction: float) -> None:
    data = ({"b": X, "a": FRAME}, [Y, FRAME["b"]], None)
    ours = validation_split(data, fraction)

    def of_keras(keras: Any) -> Any:
        from keras.src.trainers.data_adapters.array_slicing import train_validation_split

        for x, y, weights in train_validation_split(data, fraction):
            assert weights is None
            yield [np.asarray(part) for part in (x["b"], x["a"], *y)]

    theirs = recorded(lambda keras: list(of_keras(keras)))
    for mine, (b, a, first, second) in zip(ours, theirs, strict=True):
        assert mine[2] is None
        np.testing.assert_array_equal(mine[0]["b"], b)
        np.testing.assert_array_equal(mine[0]["a"], a.astype("float32"))
        np.testing.assert_array_equal(mine[1][0], first)
        np.testing.assert_array_equal(mine[1][1][:, 0], second)


@pytest.mark.parametrize(
    "y",
    [
        np.array([0, 2, 1, 1]),
        np.array([[0], [2], [1]]),
        np.array([0.0, 1.0, 2.0]),
        np.eye(3)[[2, 1, 0, 0]],
        np.eye(3, dtype=int)[[2, 1, 0, 0]],
        np.array([[0.2, 0.7, 0.1], [0.6, 0.3, 0.1]]),
    ],
)
def test_class_weights_are_those_of_keras(y: np.ndarray) -> None:
    weights = {0: 0.25, 1: 3.0, 2: 7.5}
    ours = class_weights_to_sample_weights(y, weights)
    theirs = recorded(lambda keras: adapters(keras).class_weight_to_sample_weights(y, weights))
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "args",
    [(1,), ([1],), ((1, 2),), ({"a": 1},), (1, 2), (1, 2, 3), (1, 2, None)],
)
def test_packing_is_that_of_keras(args: tuple) -> None:
    theirs = recorded(lambda keras: adapters(keras).pack_x_y_sample_weight(*args))
    assert pack_x_y_sample_weight(*args) == theirs


def test_weights_without_targets_are_kept() -> None:
    # Keras drops them in silence here.
    assert unpack_x_y_sample_weight(pack_x_y_sample_weight(1, None, 3)) == (1, None, 3)
    assert make_source(X, None, W).data[1:] == (None, pytest.approx(W))


@pytest.mark.parametrize("data", [1, None, {"a": 1}, [1], (1,), [1, 2], (1, 2), (1, 2, 3)])
def test_unpacking_is_that_of_keras(data: Any) -> None:
    theirs = recorded(lambda keras: adapters(keras).unpack_x_y_sample_weight(data))
    assert unpack_x_y_sample_weight(data) == theirs


@pytest.mark.parametrize("data", [(), [], (1, 2, 3, 4)])
def test_what_keras_does_not_unpack_is_refused(data: Any) -> None:
    def refused(keras: Any) -> bool:
        with pytest.raises(ValueError):
            adapters(keras).unpack_x_y_sample_weight(data)
        return True

    assert recorded(refused)
    with pytest.raises(ValueError, match=rf"got a {type(data).__name__} of {len(data)}"):
        unpack_x_y_sample_weight(data)
