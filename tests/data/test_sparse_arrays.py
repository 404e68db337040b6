"""Sparse arrays: what functions give is what SciPy, NumPy and TensorFlow 2.21 give for the same."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium.data.checks import DataError
from trivium.data.sparse import SparseArray, sets
from trivium.data.sparse import functions as f
from trivium.data.sparse.array import as_sparse

D = np.array([[0, 5, 0, 1], [0, 0, 0, 0], [2, 0, 3, 0]], "float32")
X = as_sparse(D)


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (lambda: X, D),
        (lambda: SparseArray([[1, 2], [0, 0]], [2.0, 1.0], [2, 3]), [[1, 0, 0], [0, 0, 2]]),
        (lambda: X * 2, D * 2),
        (lambda: X * np.arange(4), D * np.arange(4)),
        (lambda: X / np.array([[1.0], [2.0], [4.0]]), D / [[1.0], [2.0], [4.0]]),
        (lambda: f.transpose(X), D.T),
        (lambda: f.reshape(X, [2, -1]), D.reshape(2, 6)),
        (lambda: f.expand_dims(X, 1), D[:, None]),
        (lambda: f.cut(X, [0, 1], [2, 9]), D[:2, 1:]),
        (lambda: f.split(X, 3, axis=1)[0], D[:, :2]),
        (lambda: f.concat([X, X], 1), np.concatenate([D, D], 1)),
        (lambda: f.concat([X, as_sparse([[7.0]])], 0, expand=True)[3:], [[7, 0, 0, 0]]),
        (lambda: f.stack([X, X]), np.stack([D, D])),
        (lambda: f.add(X, f.eye(3, 4)), D + np.eye(3, 4)),
        (lambda: f.add(X, as_sparse(-D + 0.1 * (D != 0)), 0.5), D * 0),
        (lambda: f.add(X, jnp.ones((3, 4))), D + 1),
        (lambda: f.merged(X, as_sparse(4 * D - 8), jnp.minimum), np.minimum(D, 4 * D - 8)),
        (lambda: f.matmul(X, D.T), D @ D.T),
        (lambda: f.matmul(X, D, adjoint_a=True), D.T @ D),
        (lambda: f.matmul(np.ones((2, 3), "f"), X), np.ones((2, 3)) @ D),
        (lambda: f.reduced(X, "sum"), D.sum()),
        (lambda: f.reduced(X, "sum", 0, keepdims=True), D.sum(0, keepdims=True)),
        (lambda: f.reduced(X, "max", [1]), D.max(1)),
        (lambda: f.retain(X, [True, False, False, True]), [[0, 5, 0, 0], [0] * 4, [0, 0, 3, 0]]),
        (lambda: f.fill_empty_rows(X, 9)[0], [D[0], [9, 0, 0, 0], D[2]]),
        (lambda: f.reset_shape(X, [4, 5])[:3], np.pad(D, [[0, 0], [0, 1]])),
        (lambda: X[2], D[2]),
        (lambda: X[np.array([2, 0, 2])], D[[2, 0, 2]]),
    ],
)  # fmt: skip
def test_value(made: Any, wanted: Any) -> None:
    result = made()
    dense = result.to_dense() if isinstance(result, SparseArray) else result
    np.testing.assert_allclose(dense, wanted, rtol=1e-6)


def test_strings_are_kept_in_places_too() -> None:
    x = as_sparse([["a", ""], ["", "b"]])
    assert x.dtype == "string" and x.to_dense().tolist() == [[b"a", b""], [b"", b"b"]]
    assert f.transpose(x).values.tolist() == [b"a", b"b"] and x.to_dense("?")[0].tolist() == [
        b"a",
        b"?",
    ]
    assert f.fill_empty_rows(f.retain(x, [True, False]), "-")[0].values.tolist() == [b"a", b"-"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: SparseArray([[0, 0]], [1], [2]), r"\(entries, 1\); got \(1, 2\)"),
        (lambda: SparseArray([[0, 0]], [1, 2], [2, 2]), "one value for each of its 1 places"),
        (lambda: SparseArray([[0, 5]], [1], [2, 2]).to_dense(), r"entry at \[0, 5\]"),
        (lambda: SparseArray([[0], [0]], [1, 2], [2]).to_dense(), "two entries in one place"),
        (lambda: f.reshape(X, [5, 2]), "has no shape"),
        (lambda: f.concat([X, as_sparse([[7.0]])]), "other sizes are those of all"),
        (lambda: sets.union([[1]], [[1], [2]]), "as many rows"),
    ],
)
def test_what_is_refused(call: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        call()


def test_sets() -> None:
    a, b = [[1, 2, 2], [5, 6, 6]], [[2, 3], [7, 7]]
    assert sets.union(a, b).to_dense().tolist() == [[1, 2, 3], [5, 6, 7]]
    assert sets.intersection(a, b).values.tolist() == [2]
    assert sets.difference(a, b, aminusb=False).to_dense().tolist() == [[3], [7]]
    assert sets.size(sets.difference(a, b)).tolist() == [1, 2]
    assert sets.intersection([["a", "b"]], [["b"]]).values.tolist() == [b"b"]


def test_gradients_go_through_products() -> None:
    grad = jax.grad(lambda w: (X @ w).sum())(jnp.ones((4, 1)))
    np.testing.assert_allclose(grad[:, 0], D.sum(0))
    assert X.to_bcoo().shape == X.shape


def test_models_take_them_as_they_take_dense_arrays() -> None:
    model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    np.testing.assert_allclose(model(X), model(D))
    np.testing.assert_array_equal(model.predict(X, verbose=0), model.predict(D, verbose=0))
    dense = tv.models.clone_model(model)
    dense.compile("sgd", "mse")
    dense.set_weights(model.get_weights())
    y = np.arange(3.0)
    first, second = (
        m.fit(x, y, batch_size=2, verbose=0, shuffle=False) for m, x in ((model, X), (dense, D))
    )
    assert first.history == second.history
    batches = tv.data.Dataset.from_tensor_slices((X, y)).batch(2)
    assert [x.shape for x, _ in batches] == [(2, 4), (1, 4)]
    assert np.isclose(model.evaluate(batches, verbose=0), model.evaluate(D, y, verbose=0))


def test_they_are_copied_and_shown() -> None:
    small = as_sparse([[0, 2]])
    assert repr(small) == "SparseArray(indices=[[0, 1]], values=[2], dense_shape=[1, 2])"
    for again in (copy.deepcopy(small), pickle.loads(pickle.dumps(small))):
        assert again.to_dense().tolist() == [[0, 2]]
