"""What a Sequential model leaves open: layers that stand in it twice, first layers that take several arrays, and sizes
that the first data said and the next does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import trivium as tv
from trivium import layers

ONE, TWO = np.array([[5.0], [7.0]], "float32"), np.array([[1.0], [2.0]], "float32")


# -- a layer twice ----------------------------------------------------------------------------------------------


def twice() -> Any:
    tv.utils.set_random_seed(2)
    shared = layers.Dense(3, "tanh", name="shared")
    return tv.Sequential([tv.Input((3,)), shared, layers.Dense(3, name="other"), shared])


def test_a_layer_that_stands_in_a_stack_twice_is_shared() -> None:
    tv.utils.set_random_seed(2)
    x = tv.Input((3,))
    shared, other = layers.Dense(3, "tanh", name="shared"), layers.Dense(3, name="other")
    declared = tv.Model(x, shared(other(shared(x))))
    stack = twice()
    assert [layer.name for layer in stack.layers] == ["shared", "other", "shared"]
    paths = [[w.path.partition("/")[2] for w in m.weights] for m in (stack, declared)]
    assert paths[0] == paths[1]
    assert stack.fingerprint() == declared.fingerprint()
    data = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    for model in (stack, declared):
        model.compile("sgd", "mse")
        model.fit(data, data, epochs=2, verbose=0)
    for a, b in zip(stack.get_weights(), declared.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert stack.count_params() == 24


def test_what_is_made_of_such_a_stack(tmp_path: Any) -> None:
    stack = twice()
    data = np.ones((2, 3), "float32")
    clone = tv.models.clone_model(stack)
    assert clone.layers[0] is clone.layers[2] and len(clone.weights) == 4
    stack.save_weights(tmp_path / "a.weights.h5")
    clone.load_weights(tmp_path / "a.weights.h5")
    np.testing.assert_array_equal(clone(data), stack(data))
    space: dict[str, Any] = {}
    exec(tv.source(stack), space)
    assert space["model"].fingerprint() == stack.fingerprint()
    assert stack.pop() is stack.layers[0] and len(stack.layers) == 2
    stack.add(stack.layers[1])
    assert [layer.name for layer in stack.layers] == ["shared", "other", "other"]
    with pytest.raises(ValueError, match="a layer called 'other' already"):
        stack.add(layers.Dense(3, name="other"))


# -- several arrays for the first layer -------------------------------------------------------------------------


class Difference(layers.Layer):
    def call(self, inputs: Any) -> Any:
        first, second = inputs.values() if isinstance(inputs, dict) else inputs
        return first - second


@pytest.mark.parametrize("form", [lambda a, b: {"z": a, "b": b}, lambda a, b: [a, b]])
def test_the_first_layer_may_take_a_dict_or_a_list(form: Any) -> None:
    stack = tv.Sequential([Difference(), layers.Dense(1, kernel_initializer="ones")])
    stack.compile("sgd", "mse")
    x, wanted = form(ONE, TWO), (ONE - TWO).tolist()
    assert stack(x).tolist() == wanted and stack.predict(x, verbose=0).tolist() == wanted
    assert stack.evaluate(x, ONE - TWO, verbose=0) == 0.0
    assert stack.fit(x, ONE - TWO, epochs=2, verbose=0).history["loss"] == [0.0, 0.0]
    assert stack.input_shape == form((None, 1), (None, 1))
    clone = tv.models.clone_model(stack)
    assert clone.built and clone(x).tolist() == wanted
    unbuilt = tv.Sequential([Difference(), layers.Dense(1)])
    unbuilt.build(form((None, 4), (None, 4)))
    assert unbuilt.layers[1].kernel.shape == (4, 1)


def test_several_arrays_keep_their_dtypes() -> None:
    seen = {}

    class Look(layers.Layer):
        def call(self, inputs: Any) -> Any:
            seen.update({k: str(v.dtype) for k, v in inputs.items()})
            return inputs["numbers"]

    tv.Sequential([Look()])({"words": np.array([[2**24 + 1]]), "numbers": np.array([[0.5]])})
    assert seen == {"words": "int32", "numbers": "float32"}


# -- sizes that nobody declared ---------------------------------------------------------------------------------


STACKS: dict[str, tuple[Any, list[tuple[int, ...]], list[tuple[int, ...]]]] = {
    "flatten": (lambda: [layers.Flatten()], [(8,), (9,), (1,)], [(8,), (9,), (1,)]),
    "flatten a square": (lambda: [layers.Flatten()], [(2, 4), (3, 4), (3, 5)], [(8,), (12,), (15,)]),
    "reshape": (lambda: [layers.Reshape((-1, 8))], [(8,), (16,), (8,)], [(1, 8), (2, 8), (1, 8)]),
    "weights per step": (
        lambda: [layers.Dense(3), layers.BatchNormalization(), layers.Dropout(0.5)],
        [(8, 2), (9, 2), (1, 2)],
        [(8, 3), (9, 3), (1, 3)],
    ),
    "a stack in a stack": (
        lambda: [tv.Sequential([layers.Dense(3)]), tv.Sequential([layers.Reshape((-1,))])],
        [(2, 2), (5, 2)],
        [(6,), (15,)],
    ),
    "numbers for sizes": (lambda: [Numbers()], [(8,), (9,), (8,)], [(4,), (4,), (4,)]),
}  # fmt: skip


class Numbers(layers.Layer):
    """Code that asks for numbers where sizes are."""

    def call(self, x: Any) -> Any:
        assert int(x.shape[1]) > 0
        return x[:, : min(4, int(x.shape[1]))]


@pytest.mark.parametrize("name", STACKS)
def test_later_batches_may_have_other_sizes(name: str) -> None:
    make, given, wanted = STACKS[name]
    calling, predicting = tv.Sequential(make()), tv.Sequential(make())
    for shape, result in zip(given, wanted, strict=True):
        x = np.ones((2, *shape), "float32")
        assert calling(x).shape == (2, *result)
        assert predicting.predict(x, verbose=0).shape == (2, *result)


def ragged() -> Iterator[Any]:
    for steps in (8, 9, 8, 5):
        yield np.ones((2, steps, 3)), np.zeros((2, steps, 1))


@pytest.mark.parametrize("eager", [False, True])
def test_training_on_batches_that_differ_in_length_is_what_other_styles_do(eager: bool) -> None:
    def trained(make: Any) -> Any:
        tv.utils.set_random_seed(4)
        model = make()
        model.compile("sgd", "mse", run_eagerly=eager)
        model.fit(ragged(), verbose=0)
        return [*model.get_weights(), model.evaluate(ragged(), verbose=0)]

    def declared() -> Any:
        x = tv.Input((None, 3))
        return tv.Model(x, layers.Dense(1)(x))

    for a, b in zip(
        trained(lambda: tv.Sequential([layers.Dense(1)])), trained(declared), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_weights_and_declared_sizes_stay_what_they_are() -> None:
    stack = tv.Sequential([layers.Flatten(), layers.Dense(2, name="head")])
    assert stack(np.ones((3, 8))).shape == (3, 2)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"'.*head' \(Dense\) wants size 8 on axis -1"):
            stack(np.ones((3, 9)))
        assert stack.input_shape == (None, 8)
    assert stack(np.ones((3, 8))).shape == (3, 2)
    fixed = tv.Sequential([tv.Input((8,)), layers.Flatten()])
    with pytest.raises(ValueError, match=r"has shape \(None, 8\); it was given an array of shape"):
        fixed(np.ones((3, 9)))


def test_an_outer_model_keeps_the_sizes_that_it_recorded() -> None:
    inner = tv.Sequential([layers.Flatten()])
    x = tv.Input((8,))
    outer = tv.Model(x, layers.Dense(2)(inner(x)))
    assert inner(np.ones((3, 9))).shape == (3, 9)
    assert outer(np.ones((3, 8))).shape == (3, 2)
    assert outer.predict(np.ones((3, 8)), verbose=0).shape == (3, 2)
