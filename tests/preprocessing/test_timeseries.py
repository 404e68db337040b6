"""Windows that slide over a series."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest
from oracle import both

import trivium as tv
from trivium.preprocessing import timeseries_dataset_from_array

SERIES = np.random.default_rng(0).normal(size=(30, 2)).astype("float32")
TARGETS = np.arange(30.0).astype("float32")


def batches(dataset):
    """Return what a dataset gives, as tuples of arrays."""
    return [
        tuple(map(np.asarray, b)) if isinstance(b, tuple) else (np.asarray(b),) for b in dataset
    ]


@pytest.mark.parametrize(
    ("targets", "kwargs"),
    [
        (None, {"sequence_length": 4}),
        (TARGETS, {"sequence_length": 4, "batch_size": 5}),
        (TARGETS[:20], {"sequence_length": 3, "sampling_rate": 2, "sequence_stride": 4}),
        (TARGETS, {"sequence_length": 3, "start_index": 5, "end_index": 25, "batch_size": 8}),
        (TARGETS, {"sequence_length": 1, "sequence_stride": 7, "start_index": 2}),
        (SERIES, {"sequence_length": 5, "batch_size": None, "sequence_stride": 9}),
    ],
)
def test_windows_are_the_real_keras_s(targets, kwargs):
    ours, theirs = both(
        lambda lib: batches(
            lib.utils.timeseries_dataset_from_array(SERIES, targets, format="grain", **kwargs)
        )
    )
    assert len(ours) == len(theirs)
    for mine, its in zip(ours, theirs, strict=True):
        for a, b in zip(mine, its, strict=True):
            np.testing.assert_array_equal(a, b)


def test_shuffled_windows_are_the_same_ones_in_another_order_each_pass():
    dataset = timeseries_dataset_from_array(
        SERIES, TARGETS, 4, sequence_stride=3, batch_size=4, shuffle=True, seed=2
    )
    passes = [np.concatenate([y for _, y in batches(dataset)]) for _ in range(2)]
    assert passes[0].tolist() != passes[1].tolist()
    assert sorted(passes[0]) == sorted(passes[1]) == list(range(0, 27, 3))
    for x, y in batches(dataset):
        for window, first in zip(x, y.astype(int), strict=True):
            np.testing.assert_array_equal(window, SERIES[first : first + 4])
    assert len(dataset) == 3


def test_series_in_files_are_not_read_as_a_whole(tmp_path):
    np.save(tmp_path / "a.npy", SERIES)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["y"] = SERIES, TARGETS
    wanted = batches(timeseries_dataset_from_array(SERIES, TARGETS, 4, 2, 3, 5, True, 1))
    with h5py.File(tmp_path / "a.h5") as file:
        for x, y in ((mapped, TARGETS), (file["x"], file["y"])):
            got = batches(timeseries_dataset_from_array(x, y, 4, 2, 3, 5, True, 1))
            for mine, other in zip(got, wanted, strict=True):
                np.testing.assert_array_equal(mine[0], other[0])
                np.testing.assert_array_equal(mine[1], other[1])


def test_windows_of_what_is_far_larger_than_memory_cost_what_a_batch_does():
    endless = np.broadcast_to(np.float32(3), (10**12, 4))
    dataset = timeseries_dataset_from_array(endless, None, 5, sequence_stride=10**11, batch_size=3)
    assert [x.shape for x in dataset] == [(3, 5, 4)] * 3 + [(1, 5, 4)]


def test_lists_tables_and_text():
    wanted = batches(timeseries_dataset_from_array(SERIES, TARGETS, 4))
    for x, y in (
        (SERIES.tolist(), TARGETS.tolist()),
        (pd.DataFrame(SERIES), pd.Series(TARGETS)),
    ):
        got = batches(timeseries_dataset_from_array(x, y, 4))
        np.testing.assert_allclose(got[0][0], wanted[0][0])
        np.testing.assert_allclose(got[0][1], wanted[0][1])
    words = timeseries_dataset_from_array(np.array(["a", "b", "c"]), None, 2)
    assert [w.tolist() for w in words] == [[["a", "b"], ["b", "c"]]]


def test_a_model_forecasts_and_a_second_fit_is_the_same():
    data = np.sin(np.arange(60) / 5).astype("float32")[:, None]
    dataset = timeseries_dataset_from_array(
        data[:-6], data[6:], 6, batch_size=8, shuffle=True, seed=1
    )
    losses = []
    for _ in range(2):
        tv.utils.set_random_seed(3)
        model = tv.Sequential([tv.Input((6, 1)), tv.layers.Flatten(), tv.layers.Dense(1)])
        model.compile("adam", "mse")
        losses.append(model.fit(dataset, epochs=2, verbose=0).history["loss"])
    assert losses[0] == losses[1]
    assert model.predict(dataset, verbose=0).shape == (49, 1)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"sequence_length": 0}, "`sequence_length` is a whole number of at least 1"),
        ({"sequence_length": None}, "`sequence_length` is a whole number of at least 1"),
        ({"sequence_stride": 0}, "`sequence_stride` is a whole number"),
        ({"sampling_rate": -1}, "`sampling_rate` is a whole number"),
        ({"batch_size": 0}, "`batch_size` is a whole number"),
        ({"start_index": 30}, "`start_index` is a step of the series, from 0 to 29; got 30"),
        ({"start_index": -1}, "`start_index` is a step of the series"),
        ({"start_index": 5, "end_index": 5}, r"`end_index` lies behind `start_index` \(5\)"),
        ({"end_index": 31}, "at most 30, the length of the series; got 31"),
        ({"sequence_length": 8, "sampling_rate": 5}, "8 steps at a distance of 5 take 36 steps"),
        ({"targets": TARGETS[:3], "start_index": 3}, "`targets` has 3 entries"),
        ({"format": "np"}, "`format` is 'tf' or 'grain'"),
        ({"data": 3}, "`data` has its steps on the first axis; got a single value"),
    ],
)
def test_errors(kwargs, message):
    arguments = {"data": SERIES, "targets": TARGETS, "sequence_length": 4} | kwargs
    with pytest.raises(ValueError, match=message):
        timeseries_dataset_from_array(**arguments)
