"""Arrays in files that are larger than memory."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import h5py
import numpy as np
import pytest

import trivium as tv
from trivium.data import Dataset, files, make_source
from trivium.data.files import FileRows
from trivium.data.orders import by_blocks

X = np.random.default_rng(0).normal(size=(300, 4))
Y = (X.sum(1) > 0).astype("int64")


@pytest.fixture
def small_blocks(monkeypatch: Any) -> None:
    """Let a small array be as one that is larger than its buffer: 4 blocks of 16 rows."""
    monkeypatch.setattr(files, "_BLOCK_BYTES", 256)
    monkeypatch.setattr(files, "_BLOCKS", 4)
    monkeypatch.setattr(files, "_SMALL", 1024)


@pytest.fixture(params=["npy", "hdf5", "hdf5 in chunks"])
def x(request: Any, tmp_path: Any, small_blocks: None) -> Any:
    if request.param == "npy":
        np.save(tmp_path / "x.npy", X)
        yield np.load(tmp_path / "x.npy", mmap_mode="r")
        return
    with h5py.File(tmp_path / "x.h5", "w") as file:
        chunks = (7, 4) if "chunks" in request.param else None
        yield file.create_dataset("x", data=X, chunks=chunks)


def test_rows_are_those_of_the_file(x: Any) -> None:
    rows = FileRows(x, np.dtype("float32"))
    wanted = X.astype("float32")
    draw = np.random.default_rng(1)
    assert rows.block % (getattr(x, "chunks", None) or (1,))[0] == 0
    for index in (draw.permutation(300), np.arange(5), draw.integers(0, 300, 40), [-1, 0, -300],
                  slice(3, 50), slice(None, None, -7), slice(9, 3), X[:, 0] > 0, 7,
                  np.arange(0)):  # fmt: skip
        np.testing.assert_array_equal(rows[index], wanted[index])
    part = rows.part(slice(100, 250))
    np.testing.assert_array_equal(part[np.array([0, 149, 20])], wanted[[100, 249, 120]])
    np.testing.assert_array_equal(np.concatenate(list(part.pieces())), wanted[100:250])


def test_each_block_is_read_once_an_epoch(x: Any, monkeypatch: Any) -> None:
    source = make_source(x, Y, batch_size=10, shuffle=True)
    rows = source.data[0]
    assert isinstance(rows, FileRows) and source.lazy and source.data[1].dtype == "int32"
    read: list[int] = []
    load = FileRows._load
    monkeypatch.setattr(
        FileRows, "_load", lambda self, number, needed: (read.append(number), load(self, number, needed))[1]
    )  # fmt: skip
    order = source.order(seed=1, step=0)
    assert sorted(order) == list(range(300)) and (order != source.order(1, 30)).any()
    for start in range(0, 300, 10):
        rows[order[start : start + 10]]
    assert sorted(read) == list(range(-(-300 // rows.block)))


def test_the_order_mixes_blocks_within_the_buffer() -> None:
    order = by_blocks(1000, 10, 5, seed=0, step=0)
    for first in range(0, 1000, 50):
        group = order[first : first + 50]
        assert len(set(group // 10)) == 5 and (np.diff(group) != 1).any()
    np.testing.assert_array_equal(order, by_blocks(1000, 10, 5, seed=0, step=0))


def model() -> Any:
    tv.utils.set_random_seed(3)
    made = tv.Sequential([tv.Input((4,)), tv.layers.Dense(5, "tanh"), tv.layers.Dense(2)])
    loss = tv.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile("sgd", loss, metrics=["accuracy"])
    return made


@pytest.mark.parametrize("x", ["hdf5 in chunks"], indirect=True)
def test_training_on_a_file(x: Any) -> None:
    in_order = {"epochs": 2, "verbose": 0, "shuffle": False, "batch_size": 16}
    one, other = model(), model()
    one.fit(x, Y, **in_order)
    other.fit(X, Y, **in_order)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.evaluate(x, Y, verbose=0) == pytest.approx(other.evaluate(X, Y, verbose=0))
    np.testing.assert_allclose(one.predict(x, verbose=0), one.predict(X, verbose=0), rtol=1e-6)
    # By chance, in pieces as in one go, and with a part for validation.
    whole, pieces = model(), model()
    whole.fit(x, Y, epochs=2, verbose=0)
    for _ in range(2):
        pieces.fit(x, Y, epochs=1, verbose=0)
    for a, b in zip(whole.get_weights(), pieces.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    # The rows' order is that of the source, whatever they are read in.
    by_hand = model()
    for epoch in range(2):
        order = make_source(x, Y, shuffle=True).order(3, 10 * epoch)
        by_hand.fit(X[order], Y[order], shuffle=False, verbose=0)
    for a, b in zip(whole.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    history = model().fit(x, Y, validation_split=0.3, verbose=0).history
    assert {"val_loss", "loss"} <= set(history)
    rows = Dataset.from_tensor_slices((x, Y)).shuffle(40).batch(16)
    assert model().fit(rows, verbose=0).history["loss"]


def test_numbers_that_training_cannot_keep(tmp_path: Any, small_blocks: None) -> None:
    np.save(tmp_path / "n.npy", np.full((300, 2), 1 << 40))
    numbers = np.load(tmp_path / "n.npy", mmap_mode="r")
    with pytest.raises(ValueError, match="whole numbers are kept as int32"):
        model().fit(numbers, Y, verbose=0)
    np.save(tmp_path / "ids.npy", np.arange(600).reshape(300, 2) % 9)
    ids = np.load(tmp_path / "ids.npy", mmap_mode="r")
    embedding = tv.Sequential(
        [tv.Input((2,)), tv.layers.Embedding(8, 2), tv.layers.Flatten(), tv.layers.Dense(1)]
    )
    embedding.compile("sgd", "mse")
    with pytest.raises(
        ValueError, match=r"\(Embedding\) has a vector for each .* got 8 at \[4, 0\]"
    ):
        embedding.fit(ids, Y, verbose=0)


_IN_A_PROCESS = """
import json, os, sys
import numpy as np, trivium as tv

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

x = np.lib.format.open_memmap(sys.argv[1], "w+", "float32", (100_000, 1024))  # 400 MB that take no room on the disk.
y = np.zeros(len(x), "float32")
model = tv.Sequential([tv.Input((1024,)), tv.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x[:512], y[:512], verbose=0, batch_size=256)
before, most = resident(), []

class Watch(tv.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        most.append(resident())

model.fit(x, y, verbose=0, batch_size=256, callbacks=[Watch()])
print(json.dumps([len(most), max(most) - before]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_stays_flat_while_four_times_the_limit_is_read(tmp_path: Any) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _IN_A_PROCESS, str(tmp_path / "x.npy")],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    steps, megabytes = json.loads(ran.stdout)
    assert steps == 391 and megabytes < 100, megabytes
