"""`Embedding`: lookups, masks, first values."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import layers as L
from trivium.state.masks import get_mask

IDS = np.array([[1, 2, 0], [3, 0, 0]])


def test_rows_are_looked_up():
    layer = L.Embedding(4, 2)
    for dtype in ("int32", "uint8", "int64", "float32"):
        y = layer(IDS.astype(dtype))
        assert np.array_equal(y, layer.get_weights()[0][IDS])


BEYOND = [4, 100, -1, -9]


@pytest.mark.parametrize("dtype", ["int32", "int8", "float32", "mixed_float16"])
@pytest.mark.parametrize("number", BEYOND)
def test_a_number_beyond_the_table_does_no_harm_in_a_program(number, dtype):
    policy = dtype if dtype.startswith("mixed") else None
    layer = L.Embedding(4, 2, dtype=policy, embeddings_initializer="ones")
    layer.build()
    ids = jnp.asarray([[1, number]], "int32" if policy else dtype)

    def loss(table, ids):
        return layer.stateless_call([table], [], ids)[0].astype("float32").sum()

    value, gradient = jax.jit(jax.value_and_grad(loss))(jnp.ones((4, 2)), ids)
    assert value == 2  # The vector of 1; zeros for the other.
    assert gradient.tolist() == [[0, 0], [1, 1], [0, 0], [0, 0]]


def test_small_types_do_not_wrap_around():
    """A table larger than what the numbers' type can hold; the type's largest number is a row like others."""
    layer = L.Embedding(300, 1, weights=np.arange(300.0)[:, None])
    assert jax.jit(layer)(np.array([[7, 255]], "uint8")).ravel().tolist() == [7, 255]


@pytest.mark.parametrize("number", BEYOND)
@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_a_number_beyond_the_table_is_an_error_on_arrays(number, dtype):
    layer = L.Embedding(4, 2, name="words")
    ids = np.array([[1, 0], [2, number]], dtype)
    said = (
        r"Layer 'words' \(Embedding\) has a vector for each of the numbers 0 to 3 \(input_dim=4\); "
    )
    for x in (ids, jnp.asarray(ids)):
        with pytest.raises(ValueError, match=rf"{said}got {number}(\.0)? at \[1, 1\]"):
            layer(x)
    model = tv.Sequential([L.Embedding(4, 2, name="words")], name="model")
    with pytest.raises(ValueError, match="'model/words'"):
        model(ids)


def test_training_on_a_number_beyond_the_table_changes_nothing_else():
    """Numbers that come to be inside a model are not seen on the host."""
    words = L.Embedding(4, 2)
    inputs = tv.Input((3,), dtype="int32")
    model = tv.Model(inputs, L.Dense(1)(L.Flatten()(words(inputs + 2))))
    model.compile(optimizer=tv.optimizers.SGD(0.1), loss="mse")
    before = words.get_weights()[0]
    model.fit(np.array([[0, 5, -3]] * 4), np.ones((4, 1)), verbose=0)
    after = words.get_weights()[0]
    assert np.isfinite(model.get_weights()[1]).all()
    assert (after != before).any(1).tolist() == [False, False, True, False]


def test_padding_is_masked_all_the_way():
    embedding = L.Embedding(4, 2, mask_zero=True)
    assert np.array_equal(get_mask(embedding(IDS)), IDS > 0)
    inputs = tv.Input((3,), dtype="int32")
    model = tv.Model(inputs, L.GlobalAveragePooling1D()(embedding(inputs)))
    table = embedding.get_weights()[0]
    np.testing.assert_allclose(model(IDS), [table[[1, 2]].mean(0), table[3]], rtol=1e-6)
    assert get_mask(L.Embedding(4, 2)(IDS)) is None


def test_first_values():
    table = np.arange(8.0).reshape(4, 2)
    for weights in (table, [table]):
        layer = L.Embedding(4, 2, weights=weights, trainable=False)
        assert np.array_equal(layer(IDS), table[IDS])
        assert layer.trainable_weights == []


def test_the_old_argument_of_keras_2():
    with pytest.warns(UserWarning, match="`input_length` has no use any more"):
        layer = L.Embedding(4, 2, input_length=3)
    assert "input_length" not in layer.get_config()


def test_large_numbers_are_not_rounded_in_half_precision():
    layer = L.Embedding(5000, 1, dtype="mixed_float16", embeddings_initializer="zeros")
    layer.build()
    layer.set_weights([np.arange(5000)[:, None] % 7])
    for dtype in ("int32", "float32"):
        assert layer(np.array([[4095, 4097]], dtype)).ravel().tolist() == [0, 2]


def test_it_learns_only_the_rows_it_sees():
    embedding = L.Embedding(4, 2)
    model = tv.Sequential([tv.Input((3,), dtype="int32"), embedding, L.Flatten(), L.Dense(1)])
    model.compile(optimizer=tv.optimizers.SGD(0.1), loss="mse")
    before = embedding.get_weights()[0]
    model.fit(np.array([[0, 1, 3]] * 4), np.ones((4, 1)), verbose=0)
    changed = (embedding.get_weights()[0] != before).any(1)
    assert changed.tolist() == [True, True, False, True]
