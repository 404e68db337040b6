"""Arrays of the host on their way to the device."""

import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trivium.state import to_device
from trivium.state.placing import Rooms, copy_of, handed_over


def aligned(count: int) -> np.ndarray:
    """Return float32 zeros that lie where JAX would share them rather than copy."""
    memory = np.zeros(count * 4 + 64, "uint8")
    first = -memory.ctypes.data % 64
    return memory[first : first + count * 4].view("float32")


def test_shares_no_memory():
    array = aligned(1024)
    placed = to_device(array)
    array[:] = 7.0
    assert not placed.any()


@pytest.mark.parametrize(
    ("array", "dtype", "wanted"),
    [
        (np.arange(3), None, "int32"),
        (np.ones(3), None, "float32"),
        (np.ones(3, "float16"), None, "float16"),
        (np.float64(2.0), None, "float32"),
        (np.ones(3), "bfloat16", "bfloat16"),
        (np.arange(3), "float32", "float32"),
        (jnp.arange(3), "float32", "float32"),
        (2, "int32", "int32"),
    ],
)
def test_dtypes_are_those_of_asarray(array, dtype, wanted):
    placed, plain = to_device(array, dtype), jnp.asarray(array, dtype)
    assert (str(placed.dtype), placed.shape) == (wanted, plain.shape)
    np.testing.assert_array_equal(placed, plain)


def test_nothing_is_recorded_while_tracing():
    constant = np.arange(3.0, dtype="float32")
    jaxpr = jax.make_jaxpr(lambda x: x + to_device(constant))(jnp.ones(3))
    assert [str(eqn.primitive) for eqn in jaxpr.eqns] == ["add"]


def test_new_shapes_compile_nothing(caplog):
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        to_device(np.ones(12347, "float32"))
        assert not caplog.records
        jnp.asarray(np.ones(12347, "float32") > 0).sum()
    assert any("ompil" in record.message for record in caplog.records)


def test_memory_is_used_again_when_nobody_reads_it_any_more() -> None:
    rooms = Rooms()
    own = rooms.room((1024, 64), "float64")
    assert own.dtype == "float32"  # As JAX takes it.
    own[...] = 1
    where = own.ctypes.data
    placed = handed_over(own)
    del own
    other = rooms.room((1024, 64), "float32")
    other[...] = 2
    assert other.ctypes.data != where
    np.testing.assert_array_equal(placed, 1)
    del placed
    again = rooms.room((1024, 64), "float32")
    assert again.ctypes.data == where


def test_a_copy_is_bound_to_a_device_only_where_the_array_was():
    free = jnp.ones(3)
    bound = jax.device_put(free, free.sharding)
    assert [copy_of(x).committed for x in (free, bound)] == [False, True]
    assert copy_of(free).unsafe_buffer_pointer() != free.unsafe_buffer_pointer()
