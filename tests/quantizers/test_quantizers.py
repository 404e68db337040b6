"""Numbers in fewer bits: against the real Keras, and there and back."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both, recorded

import trivium as tv
from trivium import quantizers

RNG = np.random.default_rng(3)
X = RNG.normal(size=(7, 4)).astype("float32")
BYTES = RNG.integers(-8, 8, size=(7, 3)).astype("int8")


def test_the_names_are_those_of_keras():
    theirs = recorded(lambda keras: [n for n in dir(keras.quantizers) if n[:1] != "_"])
    assert set(theirs) - set(quantizers.__all__) == {"AWQConfig", "GPTQConfig"}
    assert set(quantizers.__all__) <= set(theirs)


@pytest.mark.parametrize("axis", [0, -1, (0, 1)])
def test_scales_bring_the_largest_to_the_end_of_the_range(axis):
    def quantized(library):
        q = library.quantizers
        return [
            q.abs_max_quantize(X, axis),
            q.abs_max_quantize(X, axis, value_range=(-8, 7), epsilon=0.1),
            q.AbsMaxQuantizer(axis=axis)(X),
            q.abs_max_quantize(np.zeros_like(X), axis),
        ]

    ours, theirs = both(quantized)
    for (numbers, scale), (their_numbers, their_scale) in zip(ours, theirs, strict=True):
        assert numbers.dtype == "int8" and np.array_equal(numbers, their_numbers)
        np.testing.assert_allclose(scale, their_scale, rtol=1e-6)
    numbers, scale = quantizers.abs_max_quantize(X, axis)
    assert np.abs(numbers / scale - X).max() <= 0.5 / np.min(scale) * 1.001
    on_host = quantizers.abs_max_quantize(X, axis, to_numpy=True)
    assert np.array_equal(on_host[0], numbers) and np.allclose(on_host[1], scale)


def test_half_types_keep_the_last_bit():
    numbers, scale = quantizers.abs_max_quantize(jnp.asarray(X, "bfloat16"), -1)
    wanted, _ = quantizers.abs_max_quantize(jnp.asarray(X, "bfloat16").astype("float32"), -1)
    assert scale.dtype == "bfloat16" and np.array_equal(numbers, wanted)


@pytest.mark.parametrize("block_size", [2, 3, 7, 128])
def test_groups_have_zero_points(block_size):
    # Each group of these holds numbers of both signs, where Keras's range is the definition's.
    x = np.where(np.arange(7)[:, None] % 2, X, -X) * np.sign(X)
    ours, theirs = both(
        lambda library: library.quantizers.abs_max_quantize_grouped_with_zero_point(x, block_size)
    )
    assert np.array_equal(ours[0], theirs[0]) and np.array_equal(ours[2], theirs[2])
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-5)
    on_host = quantizers.abs_max_quantize_grouped_with_zero_point(x, block_size, to_numpy=True)
    assert np.array_equal(on_host[0], ours[0])


def test_a_group_of_one_sign_is_not_cut_off():
    x = X**2 + 1
    numbers, scale, zero = quantizers.abs_max_quantize_grouped_with_zero_point(x, 4)
    rows = np.repeat([0, 1], [4, 3])
    again = (np.asarray(numbers, "float32") - zero[rows]) * scale[rows]
    assert np.abs(again - x).max() <= np.max(scale) * 0.51


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_pairs_share_a_byte(axis):
    def packed(library):
        q = library.quantizers
        unsigned = (BYTES + 8).astype("uint8")
        return q.pack_int4(BYTES, axis), q.pack_int4(unsigned, axis, dtype="uint8")

    ours, theirs = both(packed)
    for (mine, shape, length), (other, their_shape, their_length) in zip(ours, theirs, strict=True):
        assert np.array_equal(mine, other)
        assert tuple(their_shape) == shape and their_length == length
    unpacked = quantizers.unpack_int4(ours[0][0], ours[0][2], axis)
    assert unpacked.dtype == "int8" and np.array_equal(unpacked, BYTES)
    unsigned = quantizers.unpack_int4(ours[1][0], ours[1][2], axis, dtype="uint8")
    assert np.array_equal(unsigned, BYTES + 8)


def test_other_dtypes_are_not_packed():
    for wrong in ({}, {"dtype": "int16"}):
        with pytest.raises(TypeError, match="got an array of int64"):
            quantizers.pack_int4(np.arange(4), **wrong)
    with pytest.raises(TypeError, match="dtype='uint8'"):
        quantizers.unpack_int4(BYTES, 7, dtype="uint8")


RANGES = {
    "one": {"min_vals": -0.7, "max_vals": 1.1},
    "narrow": {"min_vals": -0.7, "max_vals": 0.5, "num_bits": 4, "narrow_range": True},
    "columns": {
        "min_vals": [-1.0] * 4,
        "max_vals": [0.2, 0.4, 0.8, 1.6],
        "axis": -1,
        "num_bits": 3,
    },
}


@pytest.mark.parametrize("case", RANGES)
def test_fake_quantization_and_its_gradients(case):
    said = {k: np.float32(v) if k[3:] == "_vals" else v for k, v in RANGES[case].items()}
    low, high = said.pop("min_vals"), said.pop("max_vals")
    weights = np.cos(np.arange(28.0)).reshape(7, 4).astype("float32")

    def both_of(library):
        fake = library.quantizers.fake_quant_with_min_max_vars
        gradients = jax.grad(lambda *x: jnp.sum(weights * fake(*x, **said)), (0, 1, 2))
        return [fake(X, low, high, **said), *gradients(X, low, high)]

    ours, theirs = both(both_of)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)
    if "axis" in said:  # Any axis will do, where Keras has the last alone.
        across = quantizers.fake_quant_with_min_max_vars(X.T, low, high, **said | {"axis": 0})
        np.testing.assert_array_equal(across.T, ours[0])


def test_fake_quantization_is_recorded():
    x = tv.Input((4,))
    model = tv.Model(x, quantizers.fake_quant_with_min_max_vars(x, -1.0, 1.0, num_bits=3))
    wanted = quantizers.fake_quant_with_min_max_vars(X, -1.0, 1.0, num_bits=3)
    np.testing.assert_array_equal(model(X), wanted)
    with pytest.raises(ValueError, match=r"2 to 16; got 17"):
        quantizers.fake_quant_with_min_max_vars(X, -1.0, 1.0, num_bits=17)


def test_eight_bit_floats():
    def computed(library):
        q, history = library.quantizers, np.arange(4, dtype="float32")
        amaxes = [3.0, 0.0, np.inf, np.nan]
        return [
            *(q.compute_float8_scale(np.float32(a), np.float32(7), 448.0) for a in amaxes),
            q.compute_float8_scale(np.float32(3), np.float32(7), 448.0, margin=2),
            q.compute_float8_amax_history(X, history),
            q.quantize_and_dequantize(X, np.float32(0.1), "float8_e4m3fn", "float32"),
            q.quantize_and_dequantize(1e6 * X, np.float32(0.1), "float8_e5m2", "float32"),
        ]

    for mine, other in zip(*both(computed), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-6)


class TestConfigs:
    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("Int8QuantizationConfig", {}),
            ("Int8QuantizationConfig", {"activation_quantizer": None}),
            ("Int4QuantizationConfig", {}),
            ("Int4QuantizationConfig", {"block_size": None}),
            ("Int4QuantizationConfig", {"block_size": -1}),
            ("Float8QuantizationConfig", {}),
        ],
    )
    def test_configs_are_those_of_keras(self, name, said):
        def described(library):
            config = getattr(library.quantizers, name)(**said)
            return config.mode, library.quantizers.serialize(config)

        ours, theirs = both(described)
        assert ours == theirs
        again = quantizers.deserialize(json.loads(json.dumps(ours[1])))
        assert quantizers.serialize(again) == ours[1]

    def test_quantizers_in_configs(self):
        def described(library):
            q = library.quantizers
            return q.serialize(
                q.Int8QuantizationConfig(
                    q.AbsMaxQuantizer(axis=0, value_range=(-64, 63)),
                    activation_quantizer=q.AbsMaxQuantizer(axis=-1, epsilon=1e-5),
                )
            )

        ours, theirs = both(described)
        assert ours == theirs
        again = quantizers.deserialize(json.loads(json.dumps(ours)))
        assert again.weight_quantizer.value_range == (-64, 63)

    def test_what_is_wrong_is_refused(self):
        for wrong in (0, -2, 1.5, True, "128"):
            with pytest.raises(ValueError, match="`block_size` is a whole number"):
                quantizers.Int4QuantizationConfig(block_size=wrong)
        with pytest.raises(ValueError, match="`block_size=None`"):
            quantizers.Int4QuantizationConfig(quantizers.AbsMaxQuantizer(axis=0))
        with pytest.raises(NotImplementedError, match="Int8QuantizationConfig"):
            _ = quantizers.QuantizationConfig().mode


def test_quantizers_by_name():
    assert quantizers.get(None) is None
    assert isinstance(quantizers.get("abs_max_quantizer"), quantizers.AbsMaxQuantizer)
    assert quantizers.get("AbsMaxQuantizer", axis=-1).axis == (-1,)
    own = quantizers.AbsMaxQuantizer(axis=0)
    assert quantizers.get(own) is own and quantizers.get(quantizers.serialize(own)).axis == (0,)
    with pytest.raises(ValueError, match="Did you mean 'abs_max_quantizer'"):
        quantizers.get("abs_max_quantiser")
    with pytest.raises(ValueError, match="`AbsMaxQuantizer\\(axis=-1\\)`"):
        quantizers.AbsMaxQuantizer()(X)
