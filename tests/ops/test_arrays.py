"""Numbers of the host become arrays without a program for each shape, and are what JAX would have made of them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiling import compiled_count

from trivium import ops
from trivium.graph.op import op
from trivium.ops.arrays import as_array, as_floats
from trivium.state import Variable

NUMBERS = [
    [1.5, 2.0], [[1, 2, 3]], [True, False], [1, 2.5], [True, 2], [], [[], []], (1, 2), [-(2**31)],
    [float("nan"), 65519.99],
    np.ones((2, 9)), np.arange(9), np.ones((0, 9), "float16"),
]  # fmt: skip


@pytest.mark.parametrize("x", NUMBERS, ids=str)
def test_what_jax_makes_of_numbers_is_what_they_become(x):
    wanted = jnp.asarray(x)
    before = compiled_count()
    made = ops.convert_to_tensor(x)
    assert compiled_count() == before
    assert (made.dtype, made.weak_type) == (wanted.dtype, False)
    np.testing.assert_array_equal(made, wanted)
    assert as_floats(x).dtype == (made.dtype if made.dtype.kind == "f" else "float32")


def test_lists_of_more_than_numbers_are_jax_s():
    with pytest.raises(OverflowError):
        as_array([2**40])
    with pytest.raises(ValueError, match="inhomogeneous"):
        as_array([1, [2, 3]])
    value = Variable(2.0)
    assert as_array([jnp.float32(1), value.value]).tolist() == [1, 2]
    # A list that holds what is traced, or a variable, is a part of the program.
    assert jax.grad(lambda x: op(lambda xs: as_array(xs)[0] * 3)([x, 1.0]))(1.0) == 3
