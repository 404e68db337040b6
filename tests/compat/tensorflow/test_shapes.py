"""`tf.TensorShape`: what it says, where it says nothing, and lists and tuples beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trivium.compat import active

with active():
    import tensorflow as tf

S, P, U = tf.TensorShape([2, 3]), tf.TensorShape([None, 3]), tf.TensorShape(None)

# What TensorFlow 2.21 shows; `x` is of the shape (2, 3).
SAID: dict[str, Any] = {
    "[7] + S[:1]": [7, 2], "S[:1] + [7]": [2, 7], "(2,) + S": [2, 2, 3], "S + (2,)": [2, 3, 2], "S + 3": [2, 3, 3],
    "S + P": [2, 3, None, 3], "[None] + S": [None, 2, 3], "S.concatenate(5)": [2, 3, 5], "S[::-1]": [3, 2],
    "[7] + x.shape[:1]": [7, 2], "(2,) + x.shape": [2, 2, 3], "P.merge_with([2, None])": [2, 3],
    "U.merge_with(S)": [2, 3], "U.with_rank(2)": [None, None], "P.most_specific_compatible_shape([2, 4])": [None, None],
    "S.most_specific_compatible_shape([2, 4])": [2, None], "tf.TensorShape([np.int64(2), None])": [2, None],
    "tf.TensorShape(tf.constant([2, 3]))": [2, 3], "tf.TensorShape(3)": [3],
}  # fmt: skip
UNKNOWN = ("U", "U + S", "S + U", "[1] + U", "U[1:]", "U.concatenate(S)", "tf.TensorSpec(None).shape",
           "P.most_specific_compatible_shape([2, 3, 4])", "U.with_rank_at_least(3)")  # fmt: skip
HOLDS = (
    "S == [2, 3]", "(2, 3) == S", "[2, 3] == S", "not S != [2, 3]", "S != None", "S != 'ab'", "P[0] is None",
    "list(P) == [None, 3]", "U == None", "U == U", "U != S", "not U", "bool(tf.TensorShape([]))", "U.rank is None",
    "U.dims is None", "U[0] is None", "U.num_elements() is None", "not U.is_fully_defined()",
    "P.num_elements() is None",
    "U.is_compatible_with(S)", "S.is_compatible_with(None)", "S.is_compatible_with([2, None])",
    "not S.is_compatible_with([2])", "P.is_subtype_of(U)", "not P.is_subtype_of(S)", "str(U) == '<unknown>'",
    "repr(U) == 'TensorShape(None)'", "str([2] + S) == '(2, 2, 3)'", "hash(S) == hash(tf.TensorShape([2, 3]))",
    "tf.TensorSpec(None).is_compatible_with(x)", "tf.zeros([7] + x.shape[:1]).shape == (7, 2)",
    "tf.Variable(x).shape + [1] == [2, 3, 1]", "not tf.zeros(()).shape",
)  # fmt: skip
REFUSED = {
    "U.as_list()": "unknown rank", "len(U)": "unknown rank", "list(U)": "unknown rank",
    "tf.TensorShape([-1, 2])": "not negative, got -1", "P.merge_with([2, 4])": "incompatible",
    "P.with_rank(3)": "must have rank 3", "P.with_rank_at_least(3)": "rank at least 3",
    "P.with_rank_at_most(1)": "rank at most 1", "P.assert_same_rank([1])": "the same rank",
    "P.assert_is_fully_defined()": "not fully defined",
}  # fmt: skip


def test_shapes_say_what_tensorflow_s_say() -> None:
    with active():
        known = {"tf": tf, "np": np, "S": S, "P": P, "U": U, "x": tf.ones((2, 3))}
        for code, wanted in SAID.items():
            shape = eval(code, known)
            assert isinstance(shape, tf.TensorShape) and shape.as_list() == wanted, code
        for code in UNKNOWN:
            assert repr(eval(code, known)) == "TensorShape(None)", code
        for code in HOLDS:
            assert eval(code, known), code
        for code, words in REFUSED.items():
            with pytest.raises(ValueError, match=words):
                eval(code, known)
        for wrong in ("ab", [1.5], [[1]]):
            with pytest.raises(TypeError, match="a size is a whole number or None"):
                tf.TensorShape(wrong)
