"""Sparse matrices of SciPy, in all formats and wherever data goes: the numbers of the dense array, to the bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import trivium as tv
from trivium.data import Dataset, PyDataset, make_source
from trivium.data.source import Rows, Source, Stream
from trivium.data.sparse import SparseRows
from trivium.training import feed

pytestmark = pytest.mark.optimized  # Bits of programs written in several ways.

RNG = np.random.default_rng(0)
X = np.where(RNG.random((22, 6)) < 0.3, RNG.normal(size=(22, 6)), 0.0)
SIDE, Y = RNG.normal(size=(22, 3)), np.where(RNG.random((22, 2)) < 0.5, 1.0, 0.0)
WEIGHTS = RNG.random(22)

FORMATS = ("csr", "csc", "coo", "lil", "dok", "dia", "bsr")
MAKERS: dict[str, Callable[[Any], Any]] = {
    **{f"{f} matrix": lambda x, f=f: sp.coo_matrix(x).asformat(f) for f in FORMATS},
    **{f"{f} array": lambda x, f=f: sp.coo_array(x).asformat(f) for f in FORMATS},
}


def model() -> Any:
    tv.utils.set_random_seed(1)
    made = tv.Sequential([tv.Input((6,)), tv.layers.Dense(4, "tanh"), tv.layers.Dense(2)])
    made.compile("sgd", "mse", metrics=["mae"])
    return made


def two_inputs(form: str) -> Any:
    tv.utils.set_random_seed(1)
    a, b = tv.Input((6,)), tv.Input((3,))
    both = tv.layers.Concatenate()([a, b])
    inputs = {"z": a, "side": b} if form == "dict" else [a, b]
    made = tv.Model(inputs, tv.layers.Dense(2)(both))
    made.compile("sgd", "mse")
    return made


def results(made: Any, x: Any, y: Any, **kwargs: Any) -> list[Any]:
    """Return the numbers of everything that reads data."""
    history = made.fit(x, y, batch_size=5, epochs=2, verbose=0, **kwargs).history
    predicted = made.predict(x, verbose=0)
    # Dense arrays have other rows side by side in a step than batches of five, and so other last digits.
    np.testing.assert_allclose(
        made.predict(x, batch_size=5, verbose=0), predicted, rtol=1e-6, atol=1e-7
    )
    return [
        *(np.array(v) for v in history.values()),
        *made.get_weights(),
        np.array(made.evaluate(x, y, batch_size=5, verbose=0)),
        predicted,
        np.array(made.train_on_batch(x, y)),
        np.array(made.test_on_batch(x, y)),
        made.predict_on_batch(x),
        *made.get_weights(),
    ]


def same(a: list[Any], b: list[Any]) -> bool:
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.fixture(scope="module")
def dense_results() -> list[Any]:
    return results(model(), X, Y)


@pytest.mark.parametrize("name", MAKERS)
def test_every_format_gives_the_dense_array_s_numbers(name: str, dense_results: Any) -> None:
    assert same(results(model(), MAKERS[name](X), Y), dense_results)


OPTIONS = {
    "validation split and weights": {"validation_split": 0.3, "sample_weight": WEIGHTS},
    "in order": {"shuffle": False},
    "whole batches shuffled": {"shuffle": "batch", "steps_per_epoch": 1},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_with_every_way_of_fit(name: str) -> None:
    sparse, wanted = (results(model(), x, Y, **OPTIONS[name]) for x in (sp.csr_array(X), X))
    assert same(sparse, wanted)


def test_eagerly_and_with_sparse_targets_and_validation_data() -> None:
    def run(x: Any, y: Any) -> list[Any]:
        made = model()
        made.run_eagerly = True
        return results(made, x, y, validation_data=(x, y))

    assert same(run(sp.csc_matrix(X), sp.lil_array(Y)), run(X, Y))


@pytest.mark.parametrize("form", ["list", "dict"])
def test_beside_dense_arrays_in_a_structure(form: str) -> None:
    def data(x: Any) -> Any:
        return {"z": x, "side": SIDE} if form == "dict" else [x, SIDE]

    sparse, wanted = (results(two_inputs(form), data(x), Y) for x in (sp.coo_matrix(X), X))
    assert same(sparse, wanted)


class Batches(PyDataset):
    def __init__(self, x: Any) -> None:
        super().__init__()
        self.x = x

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        rows = slice(11 * index, 11 * index + 11)
        return self.x[rows], Y[rows]


def test_in_streams_and_pipelines() -> None:
    matrix = sp.csr_array(X)
    for build in (
        Batches,
        lambda x: Dataset.from_tensor_slices((x, Y)).shuffle(22).batch(5),
        lambda x: Dataset.from_tensor_slices((x, Y)).map(lambda a, b: (2 * a, b)).batch(5),
        lambda x: Dataset.from_tensor_slices((x, Y)).take(3).repeat(2).batch(2),
    ):
        made, other = model(), model()
        made.fit(build(matrix), epochs=2, verbose=0)
        other.fit(build(X), epochs=2, verbose=0)
        assert same(made.get_weights(), other.get_weights())
    rows = Dataset.from_tensor_slices(matrix)
    np.testing.assert_array_equal(np.stack(list(rows)), X.astype("float32"))
    items = iter([matrix[:11], matrix[11:]])
    assert model().predict(items, verbose=0).shape == (22, 2)


def test_no_more_than_a_block_is_ever_made_dense(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, made = sp.csr_matrix(X), model()
    # A block, which goes to the device in one go, has room for one batch here.
    monkeypatch.setattr(feed, "_BLOCK_BYTES", 5 * 4 * X.shape[1])
    most = []
    before = sp.csr_matrix.toarray

    def toarray(self: Any, *args: Any, **kwargs: Any) -> Any:
        most.append(self.shape[0])
        return before(self, *args, **kwargs)

    monkeypatch.setattr(sp.csr_matrix, "toarray", toarray)
    results_of = (
        lambda: made.fit(matrix, Y, batch_size=5, validation_split=0.5, verbose=0),
        lambda: made.evaluate(matrix, Y, batch_size=5, verbose=0),
        lambda: made.predict(matrix, batch_size=5, verbose=0),
    )
    for run in results_of:
        run()
        assert 0 < max(most) <= 5
        most.clear()


def test_what_the_matrix_holds_is_checked_by_name_and_row() -> None:
    bad = X.copy()
    bad[7, 3] = np.nan
    with pytest.warns(UserWarning, match=r"`x`: 1 NaN; the first in row 7"):
        make_source(sp.coo_array(bad), Y)
    with pytest.raises(ValueError, match=r"`x` has values from 1 to 4294967296, but whole numbers"):
        make_source(sp.csr_array(np.array([[2**32, 1], [1, 1]])))
    with pytest.raises(
        ValueError, match=r"`x`.*sparse array of shape \(2, 2, 2\); wanted one with"
    ):
        make_source(sp.coo_array(np.ones((2, 2, 2))))
    with pytest.raises(ValueError, match=r"`x` has no samples: its shape is \(0, 3\)"):
        make_source(sp.csr_array((0, 3)))
    with pytest.raises(ValueError, match=r"x: 22 .shape \(22, 6\).*\n  y: 3"):
        make_source(sp.csr_array(X), Y[:3])


def test_numbers_stored_twice_add_up_and_dtypes_are_those_of_arrays() -> None:
    twice = sp.coo_matrix(([0.1, 0.2, 1.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    for matrix in (twice, twice.astype(bool), twice.astype("int64"), twice.astype("float32")):
        (rows,) = make_source(matrix).data
        (array,) = make_source(matrix.toarray()).data
        assert isinstance(rows, SparseRows) and rows.dtype == array.dtype
        np.testing.assert_array_equal(rows[:], array)
        assert make_source(matrix).nbytes == array.nbytes


def test_one_number_a_row_is_an_array() -> None:
    for matrix in (sp.coo_array(WEIGHTS), sp.csr_matrix(WEIGHTS[:, None])):
        ((array,),) = [make_source(matrix).data]
        assert isinstance(array, np.ndarray) and len(array) == 22


def test_sources_are_what_the_protocol_says() -> None:
    for source in (make_source(X), make_source(sp.csr_array(X))):
        assert isinstance(source, Source) and isinstance(source, Rows)
    dataset = Dataset.from_tensor_slices((X, Y)).batch(5)
    assert isinstance(make_source(dataset), Rows)
    for stream in (Batches(X), iter([(X, Y)]), dataset.map(lambda x, y: (x, y))):
        source = make_source(stream)
        assert isinstance(source, Stream) and not isinstance(source, Rows)


def test_a_call_takes_a_sparse_batch() -> None:
    made = model()
    for name, make in MAKERS.items():
        np.testing.assert_array_equal(made(make(X)), made(X), err_msg=name)
