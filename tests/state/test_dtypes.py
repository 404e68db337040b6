"""Dtypes: names, defaults and policies, as Keras has them."""

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import recorded

import trivium as tv
from trivium.state import (
    DTypePolicy,
    dtype_policy,
    epsilon,
    floatx,
    is_float,
    set_dtype_policy,
    set_epsilon,
    set_floatx,
    standardize_dtype,
)

NAMES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "bfloat16",
    "float32", "float64", "complex64",
]  # fmt: skip


@pytest.mark.parametrize(
    "dtype",
    [
        None, *NAMES, bool, int, float, np.float16, np.int64, np.dtype("uint8"), jnp.float32, jnp.bfloat16,
        jnp.dtype("bfloat16"), "string", "int",
    ],
    ids=str,
)  # fmt: skip
def test_names_are_those_of_keras(dtype):
    theirs = recorded(lambda keras: keras.backend.standardize_dtype(dtype))
    assert standardize_dtype(dtype) == theirs


@pytest.mark.parametrize("dtype", NAMES)
def test_floats_are_told_apart(dtype):
    assert is_float(dtype) == recorded(lambda keras: keras.backend.is_float_dtype(dtype))


@pytest.mark.parametrize(
    "dtype", ["float33", "foo", "flaot32", "float", "f4", np.dtype("M8[s]"), object]
)
def test_unknown_dtypes_get_the_nearest(dtype):
    with pytest.raises(ValueError, match=r"Unknown dtype .*(Did you mean|Known names)"):
        standardize_dtype(dtype)


def test_the_default_float():
    set_floatx("bfloat16")
    assert floatx() == standardize_dtype(None) == dtype_policy().name == "bfloat16"
    assert tv.layers.Dense(2).compute_dtype == "bfloat16"
    assert tv.Variable([1.0]).dtype == "bfloat16"
    for wrong in ("int32", "float33", "mixed_float16"):
        with pytest.raises(ValueError, match="floatx must be one of"):
            set_floatx(wrong)
    assert floatx() == "bfloat16"


def test_epsilon_is_a_number():
    set_epsilon(1e-5)
    assert epsilon() == 1e-5 == tv.config.epsilon()
    set_epsilon(np.float32(0.5))
    assert type(epsilon()) is float


POLICIES = [*NAMES, "mixed_float16", "mixed_bfloat16"]


@pytest.mark.parametrize("name", POLICIES)
def test_policies_are_those_of_keras(name):
    def said(keras):
        policy = keras.DTypePolicy(name)
        dtypes = policy.name, policy.compute_dtype, policy.variable_dtype
        return dtypes, policy.get_config(), keras.dtype_policies.serialize(policy)

    mine = DTypePolicy(name)
    dtypes, config, whole = recorded(said)
    assert (mine.name, mine.compute_dtype, mine.variable_dtype) == dtypes
    assert mine.get_config() == config
    assert mine.serialize() == whole
    again = DTypePolicy.from_config(mine.get_config())
    assert (
        again == mine
        and hash(again) == hash(mine)
        and again != DTypePolicy("uint16" if name != "uint16" else "int8")
    )


@pytest.mark.parametrize("name", ["mixed_float32", "mixed", "float", "int33", "mixed_int8"])
def test_unknown_policies_are_refused(name):
    def refused(keras):
        with pytest.raises(ValueError):
            keras.DTypePolicy(name)
        return True

    assert recorded(refused)
    with pytest.raises(ValueError, match="Unknown dtype"):
        DTypePolicy(name)


def test_the_global_policy_is_what_new_layers_get():
    set_dtype_policy("mixed_bfloat16")
    layer = tv.layers.Dense(2)
    set_dtype_policy(None)
    assert (layer.compute_dtype, layer.variable_dtype) == ("bfloat16", "float32")
    assert tv.layers.Dense(2).compute_dtype == "float32"
    set_dtype_policy(DTypePolicy("float16"))
    assert (
        dtype_policy() == DTypePolicy("float16")
        and repr(dtype_policy()) == "<DTypePolicy 'float16'>"
    )
    with pytest.raises(ValueError, match="Unknown dtype 'fast'"):
        set_dtype_policy("fast")
    assert dtype_policy().name == "float16"


@pytest.mark.parametrize(
    "identifier",
    [
        "mixed_float16", DTypePolicy("mixed_float16"),
        {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "mixed_float16"}, "registered_name": None},
    ],
)  # fmt: skip
def test_a_layer_takes_a_policy_in_every_form(identifier):
    layer = tv.layers.Dense(2, dtype=identifier)
    assert (layer.compute_dtype, layer.dtype) == ("float16", "float32")
    assert layer(np.ones((1, 3), "float32")).dtype == "float16"
    assert layer.kernel.dtype == "float32"
    config = layer.get_config()
    assert config == recorded(read_and_written, case="a layer of a mixed policy")


def read_and_written(keras):
    """Return the config of a layer whose policy Keras has read."""
    layer = keras.layers.Dense(2, dtype="mixed_float16", name="dense")
    again = keras.layers.Dense.from_config(layer.get_config())
    assert again.compute_dtype == "float16"
    return again.get_config()
