"""A dataset in two parts."""

from __future__ import annotations

import random
import sys
import types

import numpy as np
import pytest

from trivium.data import Dataset
from trivium.preprocessing import image_dataset_from_directory, split_dataset

X = np.arange(20.0).reshape(10, 2)
Y = np.arange(10)


def lists(dataset):
    """Return what a dataset gives, as lists."""

    def plain(e):
        return [plain(p) for p in e] if isinstance(e, tuple) else np.asarray(e).tolist()

    return [
        {k: plain(v) for k, v in e.items()} if isinstance(e, dict) else plain(e) for e in dataset
    ]


@pytest.mark.parametrize(
    ("left", "right", "sizes"),
    [
        (0.7, None, (7, 3)),
        (None, 0.25, (8, 2)),  # round(2.5) is 2.
        (4, None, (4, 6)),
        (None, 4, (6, 4)),
        (0.5, 0.3, (5, 3)),
        (2, 3, (2, 3)),
        (0.5, 5, (5, 5)),
    ],
)
def test_sizes(left, right, sizes):
    first, second = split_dataset(Y, left, right)
    assert (len(first), len(second)) == sizes
    assert lists(first) == list(range(sizes[0]))
    assert lists(second) == list(range(10 - sizes[1], 10))


def test_structures():
    for given, wanted in (
        (X, [[0.0, 1.0]]),
        ((X, Y), [[[0.0, 1.0], 0]]),
        ([X, Y], [[[0.0, 1.0], 0]]),
        ({"a": X, "b": Y}, [{"a": [0.0, 1.0], "b": 0}]),
        (list(range(10)), [0]),
    ):
        first, second = split_dataset(given, left_size=1)
        assert lists(first) == wanted
        assert len(second) == 9


def test_shuffled_with_python_s_shuffle_as_keras_does():
    order = list(range(10))
    random.Random(4).shuffle(order)
    state = random.getstate()
    first, second = split_dataset((X, Y), 0.6, shuffle=True, seed=4)
    assert random.getstate() == state
    assert [y for _, y in lists(first)] == order[:6]
    assert [y for _, y in lists(second)] == order[6:]
    assert all(x == X[y].tolist() for x, y in lists(first))


def test_arrays_are_not_copied_where_their_order_stays():
    first, second = split_dataset((X, Y), 0.5)
    assert np.shares_memory(first._elements.arrays[0], X)
    assert np.shares_memory(second._elements.arrays[1], Y)


def test_datasets_are_read_once_so_that_no_sample_is_in_both_parts():
    dataset = Dataset.from_tensor_slices((X, Y)).shuffle(10, seed=1)
    first, second = split_dataset(dataset, 6)
    for _ in range(2):
        assert sorted(y for part in (first, second) for _, y in lists(part)) == list(range(10))
    batched = Dataset.from_tensor_slices((X, Y)).batch(3)
    first, second = split_dataset(batched, 0.5)
    assert [y for _, y in lists(first)] == [[0, 1, 2], [3, 4]]
    assert [y for _, y in lists(second)] == [[5, 6, 7], [8, 9]]


def test_a_dataset_of_files(images):
    dataset = image_dataset_from_directory(images, image_size=2, batch_size=4, verbose=False)
    first, second = split_dataset(dataset, 0.5)
    assert [x.shape for x, _ in first] == [(4, 2, 2, 3)] * 2
    assert [x.shape for x, _ in second] == [(4, 2, 2, 3)] * 2


@pytest.fixture
def torch_data(monkeypatch):
    """Classes in the place of those of PyTorch, which is not among what the tests need."""
    module = types.ModuleType("torch.utils.data")

    class Samples:
        def __len__(self):
            return 10

        def __getitem__(self, i):
            return [X[i], Y[i]]

    class Loader:
        batch_size = 4

        def __iter__(self):
            for i in range(0, 10, 4):
                yield [X[i : i + 4], Y[i : i + 4]]

    for cls in (Samples, Loader):
        cls.__module__ = "torch.utils.data"
    module.Samples, module.Loader = Samples, Loader
    monkeypatch.setitem(sys.modules, "torch.utils.data", module)
    return module


def test_pytorch_s_datasets_and_loaders(torch_data):
    first, second = split_dataset(torch_data.Samples(), 0.7)
    assert [y for _, y in lists(first)] == list(range(7))
    assert [x for x, _ in lists(second)] == X[7:].tolist()
    first, second = split_dataset(torch_data.Loader(), 0.5)
    assert [y for _, y in lists(first)] == [[0, 1, 2, 3], [4]]
    assert [y for _, y in lists(second)] == [[5, 6, 7, 8], [9]]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "`left_size` or `right_size` is needed"),
        ({"left_size": 0}, ValueError, "`left_size` is a whole number from 1 to 9"),
        ({"left_size": 10}, ValueError, "`left_size` is a whole number from 1 to 9"),
        ({"right_size": 1.0}, ValueError, "a fraction between 0 and 1; got 1.0"),
        ({"right_size": -0.5}, ValueError, "a fraction between 0 and 1; got -0.5"),
        ({"left_size": 0.9, "right_size": 0.2}, ValueError, r"ask for 9 \+ 2 of 10 samples"),
        ({"left_size": 0.01}, ValueError, "parts of 0 and 10: one is empty"),
        ({"left_size": "half"}, TypeError, "`left_size` is a number of samples or a fraction"),
        ({"left_size": True}, TypeError, "`left_size` is a number of samples or a fraction"),
        ({"left_size": 2, "preferred_backend": "torch"}, ValueError, "`preferred_backend` is one"),
        ({"left_size": 2, "dataset": []}, ValueError, "`dataset` is empty"),
        ({"left_size": 2, "dataset": (X, Y[:3])}, ValueError, r"theirs are \[10, 3\]"),
        ({"left_size": 2, "dataset": object()}, TypeError, "a dataset of PyTorch's; got a object"),
        ({"left_size": 2, "dataset": Dataset.range(0)}, ValueError, "`dataset` is empty"),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error, match=message):
        split_dataset(**{"dataset": X} | arguments)
