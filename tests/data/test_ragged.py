"""Rows of several lengths: what functions give is what TensorFlow 2.21 gave for the same calls."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium.data import ragged as r
from trivium.data import strings
from trivium.data.checks import DataError
from trivium.data.ragged import RaggedArray, constant

X = constant([[3, 1, 4, 1], [], [5, 9, 2], [6], []])
R3 = constant([[[1], [2, 3]], [[4]], []])
B = constant([["a", "b"], ["c"]])


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (lambda: X[0], [3, 1, 4, 1]),
        (lambda: X[-1], []),
        (lambda: X[0, 2], 4),
        (lambda: X[0, 1:], [1, 4, 1]),
        (lambda: X[1:3], [[], [5, 9, 2]]),
        (lambda: X[::2], [[3, 1, 4, 1], [5, 9, 2], []]),
        (lambda: X[:, 1:], [[1, 4, 1], [], [9, 2], [], []]),
        (lambda: X[:, -1:], [[1], [], [2], [6], []]),
        (lambda: X[:, ::-1], [[1, 4, 1, 3], [], [2, 9, 5], [6], []]),
        (lambda: X[..., :1], [[3], [], [5], [6], []]),
        (lambda: X[:, None], [[[3, 1, 4, 1]], [[]], [[5, 9, 2]], [[6]], [[]]]),
        (lambda: X[np.array([2, 0])], [[5, 9, 2], [3, 1, 4, 1]]),
        (lambda: R3[0, 1], [2, 3]),
        (lambda: R3[:, 0:1], [[[1]], [[4]], []]),
        (lambda: R3[:, :, :1], [[[1], [2]], [[4]], []]),
        (lambda: X + jnp.array([[1], [2], [3], [4], [5]]), [[4, 2, 5, 2], [], [8, 12, 5], [10], []]),
        (lambda: 2 * X - X, [[3, 1, 4, 1], [], [5, 9, 2], [6], []]),
        (lambda: (X > 2)[0], [True, False, True, False]),
        (lambda: -X[3:], [[-6], []]),
        (lambda: B + "!", [[b"a!", b"b!"], [b"c!"]]),
        (lambda: B == "b", [[False, True], [False]]),
        (lambda: X.row_lengths(), [4, 0, 3, 1, 0]),
        (lambda: R3.row_lengths(axis=2), [[1, 2], [1], []]),
        (lambda: X.value_rowids(), [0, 0, 0, 0, 2, 2, 2, 3]),
        (lambda: R3.bounding_shape(), [3, 2, 2]),
        (lambda: R3.merge_dims(0, 1), [[1], [2, 3], [4]]),
        (lambda: R3.merge_dims(1, 2), [[1, 2, 3], [4], []]),
        (lambda: X.to_tensor(-1, shape=[None, 2])[:3], [[3, 1], [-1, -1], [5, 9]]),
        (lambda: X.to_tensor(shape=[6, 5])[5], [0] * 5),
        (lambda: R3.to_tensor(), [[[1, 0], [2, 3]], [[4, 0], [0, 0]], [[0, 0], [0, 0]]]),
        (lambda: B.to_tensor(), [[b"a", b"b"], [b"c", b""]]),
        (lambda: r.reduced(X, "sum"), 31),
        (lambda: r.reduced(X, "sum", 0), [14, 10, 6, 1]),
        (lambda: r.reduced(X, "sum", 1, keepdims=True), [[9], [0], [16], [6], [0]]),
        (lambda: r.reduced(X, "max", 1), [4, -(2**31), 9, 6, -(2**31)]),
        (lambda: r.reduced(X, "prod", -1), [12, 1, 90, 6, 1]),
        (lambda: r.reduced(X > 3, "any", 1), [True, False, True, True, False]),
        (lambda: r.reduced(X > 3, "all", 1), [False, True, False, True, True]),
        (lambda: r.reduced(R3, "sum", 2), [[1, 5], [4], []]),
        (lambda: r.reduced(R3[:2], "sum", 1), [[3, 3], [4]]),
        (lambda: r.reduced(R3, "sum", [1, 2]), [6, 4, 0]),
        (lambda: r.reduced(X.map_flat(jnp.float32)[:1], "var", 1), [1.6875]),
        (lambda: r.concat([X[2:4], [[1], [2]]], 1), [[5, 9, 2, 1], [6, 2]]),
        (lambda: r.concat([B, B[:1]]), [[b"a", b"b"], [b"c"], [b"a", b"b"]]),
        (lambda: r.stack([X[2:4], X[:1]]), [[[5, 9, 2], [6]], [[3, 1, 4, 1]]]),
        (lambda: r.stack([[1, 2], [3]]), [[1, 2], [3]]),
        (lambda: r.gather(X, [[0, 3]]), [[[3, 1, 4, 1], [6]]]),
        (lambda: r.gather(X, constant([[0], [2, 1]])), [[[3, 1, 4, 1]], [[5, 9, 2], []]]),
        (lambda: r.tile(X[2:4], [1, 2]), [[5, 9, 2, 5, 9, 2], [6, 6]]),
        (lambda: r.reverse(X[2:4], [0, 1]), [[6], [2, 9, 5]]),
        (lambda: r.boolean_mask(X, X > 2), [[3, 4], [], [5, 9], [6], []]),
        (lambda: r.where(X > 4), [[2, 0], [2, 1], [3, 0]]),
        (lambda: r.ranges([0, 5, 8], [3, 3, 12], [1, -1, 2]), [[0, 1, 2], [5, 4], [8, 10]]),
        (lambda: r.from_tensor([[1, 2, 0], [3, 0, 0]], lengths=[1, 3]), [[1], [3, 0, 0]]),
        (lambda: r.from_tensor([["a", ""], ["", ""]], padding=""), [[b"a"], []]),
        (lambda: r.constant([[[1, 2]], [[3, 4], [5, 6]]], inner_shape=(2,)).values, [[1, 2], [3, 4], [5, 6]]),
        (lambda: r.constant([[], [1.5]]), [[], [1.5]]),
        (lambda: X.expand_dims(-1)[3], [[6]]),
    ],
)  # fmt: skip
def test_value(made: Any, wanted: Any) -> None:
    assert made().tolist() == wanted


def test_what_rows_are() -> None:
    assert X.shape == (5, None) and R3.shape == (3, None, None) and R3.ragged_rank == 2
    assert X.dtype == "int32" and B.dtype == "string" and len(X) == 5 and X.nrows().item() == 5
    assert r.constant([[[1, 2]]], inner_shape=(2,)).shape == (1, None, 2)
    assert repr(B) == "RaggedArray([[b'a', b'b'], [b'c']])"
    assert [row.tolist() for row in X][2:4] == [[5, 9, 2], [6]]
    for again in (copy.deepcopy(R3), pickle.loads(pickle.dumps(R3))):
        assert again.tolist() == R3.tolist()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: X[:, 0], r"one entry of each row.*rows\[:, 0:1\]"),
        (lambda: X[7], "no row 7; there are 5"),
        (lambda: X + constant([[1]]), "different lengths"),
        (lambda: X + jnp.ones((5, 4), int), "does not fit rows"),
        (lambda: RaggedArray([1, 2, 3], [0, 2]), "Rows of 3 values"),
        (lambda: constant([[1], 2]), "one depth"),
        (lambda: r.concat([X, [[1]]], axis=1), "as many in each"),
        (lambda: r.gather(X, [9]), r"index 9 is not in \[0, 5\)"),
        (lambda: r.boolean_mask(X, X[:, :1] > 0), "have a mask of"),
        (lambda: r.boundaries([1, 0]), "ascending order"),
        (lambda: r.gather_within(X, constant([[0], [0], [0]])), "numbers for 3"),
        (
            lambda: r.gather_within(X, [[0], [0], [0], [0], [0]]),
            "row 1 has 0 entries, and no number 0",
        ),
        (lambda: strings.cross_hashed([[["a"]]], 0), "from 1 on; got 0"),
        (lambda: strings.cross([[["a"]], [["b"], ["c"]]]), r"the columns have \[1, 2\] rows"),
    ],
)
def test_what_is_refused(call: Any, words: str) -> None:
    with pytest.raises((DataError, IndexError), match=words):
        call()


def test_gradients_go_through_rows() -> None:
    def loss(table: Any) -> Any:
        return r.reduced(r.gather(table, constant([[0, 1], [1]])) ** 2, "mean", 1).sum()

    np.testing.assert_allclose(jax.jit(jax.grad(loss))(jnp.array([3.0, 4.0])), [3.0, 12.0])


def test_layers_that_take_entries_take_rows_and_others_say_what_to_do() -> None:
    vectors = tv.layers.Embedding(10, 2)(X)
    assert vectors.shape == (5, None, 2)
    with pytest.raises(TypeError, match=r"\(Dense\) takes dense arrays.*to_tensor"):
        tv.layers.Dense(2)(X)

    class Mean(tv.layers.Layer):
        def call(self, rows: Any) -> Any:
            return r.reduced(rows, "mean", 1)

    assert Mean()(vectors).shape == (5, 2)


def test_training_says_how_rows_become_dense() -> None:
    model = tv.Sequential([tv.layers.Embedding(10, 1), tv.layers.GlobalAveragePooling1D()])
    model.compile("sgd", "mse")
    words = r"fit: `x` holds rows of several lengths.*`\.to_tensor\(\)`"
    with pytest.raises(DataError, match=words):
        model.fit(X, np.zeros((5, 1)), verbose=0)
    batches = tv.data.Dataset.from_tensor_slices((X, np.zeros((5, 1)))).batch(2)
    with pytest.raises(DataError, match=words):
        model.fit(batches, verbose=0)
    history = model.fit(batches.map(lambda x, y: (x.to_tensor(shape=[None, 4]), y)), verbose=0)
    assert np.isfinite(history.history["loss"][0])


def test_pipelines_carry_rows() -> None:
    slices = tv.data.Dataset.from_tensor_slices((X, np.arange(5)))
    assert [(x.tolist(), int(y)) for x, y in slices][3] == ([6], 3)
    assert next(iter(slices.shuffle(5, seed=1).batch(5)))[0].tolist() != X.tolist()
    assert [x.tolist() for x, _ in slices.batch(2)] == [X[:2].tolist(), X[2:4].tolist(), [[]]]
    sums = slices.map(
        lambda x, y: r.reduced(x, "sum", 1) if isinstance(x, RaggedArray) else x.sum()
    )
    assert [int(n) for n in sums] == [9, 0, 16, 6, 0]
    batches = (
        tv.data.Dataset.range(4)
        .map(lambda i: np.arange(int(i)))
        .ragged_batch(3, drop_remainder=True)
    )
    assert [b.tolist() for b in batches] == [[[], [0], [0, 1]]]
    assert [e.tolist() for e in batches.unbatch()] == [[], [0], [0, 1]]
    assert [e.tolist() for e in batches.batch(1)] == [[[[], [0], [0, 1]]]]
