"""The Functional API beside the real Keras: structures, shared layers, models in models, cuts; and what it refuses."""

import warnings
from typing import Any

import numpy as np
import pytest
from oracle import recorded

import trivium as tv

A = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
B = np.random.default_rng(1).normal(size=(5, 6)).astype("float32")


def alike(use):
    """Assert that a function of a library gives the same in both, and return what it gives in ours."""
    ours, theirs = use(tv), quietly(use)
    assert ours == theirs
    return ours


def quietly(use):
    """Return what the real Keras gives, whatever it warns of where it is recorded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return recorded(use)


def two(lib):
    """Two inputs and two outputs in dicts, whose keys are not the layers' names."""
    layers = lib.layers
    a, b = lib.Input((4,), name="a"), lib.Input((6,), name="b")
    left = layers.Dense(3, name="left", activation="relu")(a)
    right = layers.Dense(3, name="right")(b)
    joined = layers.concatenate([left, right], name="joined")
    outputs = {"p": layers.Dense(2, name="main")(joined), "q": layers.Dense(1, name="side")(right)}
    return lib.Model({"x": a, "y": b}, outputs, name="two")


def shapes(outputs):
    if isinstance(outputs, dict):
        return {k: shapes(v) for k, v in outputs.items()}
    if isinstance(outputs, list | tuple):
        return [shapes(v) for v in outputs]
    return tuple(outputs.shape)


LOOKS = {
    "layers": lambda m: [layer.name for layer in m.layers],
    "outputs' names": lambda m: m.output_names,
    "inputs": lambda m: [(t.name, t.shape) for t in m.inputs],
    "outputs": lambda m: [t.shape for t in m.outputs],
    "structures": lambda m: [type(m.input).__name__, type(m.output).__name__],
    "weights": lambda m: [(w.name, w.shape) for w in m.weights],
    "parameters": lambda m: m.count_params(),
    "layers by index": lambda m: [m.get_layer(index=i).name for i in range(4)],
    "shapes": lambda m: m.compute_output_shape({"x": (7, 4), "y": (7, 6)}),
    "unknown shapes": lambda m: m.compute_output_shape({"x": (None, 4), "y": (None, 6)}),
    "class": lambda m: type(m).__name__,
}


@pytest.mark.parametrize("look", LOOKS)
def test_looking_at_a_model(look):
    assert alike(lambda lib: LOOKS[look](two(lib)))


@pytest.mark.parametrize(
    "inputs",
    [{"x": A, "y": B}, {"y": B, "x": A}, {"x": A, "y": B, "z": A}, [A, B], (A, B)],
    ids=["keys", "keys the other way", "a key too many", "a list", "a tuple"],
)
def test_calling_with_inputs_in_every_form(inputs):
    assert alike(lambda lib: shapes(two(lib)(inputs))) == {"p": (5, 2), "q": (5, 1)}
    model = two(tv)
    want = model({"x": A, "y": B})
    for name, output in model.predict(inputs, verbose=0).items():
        np.testing.assert_allclose(output, want[name], rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(model(inputs)[name], want[name])


def test_inputs_by_the_names_of_the_inputs():
    assert alike(lambda lib: shapes(two(lib).predict({"a": A, "b": B}, verbose=0)))
    model = two(tv)
    np.testing.assert_array_equal(model({"a": A, "b": B})["p"], model([A, B])["p"])


def nested(lib):
    dense = lib.layers.Dense
    inputs = {
        "p": lib.Input((2,), name="p"),
        "q": [lib.Input((3,), name="q0"), lib.Input((4,), name="q1")],
    }
    joined = lib.layers.concatenate([inputs["p"], *inputs["q"]], name="joined")
    outputs = [joined, {"z": dense(2, name="z")(joined), "y": (joined * 2.0,)}]
    return lib.Model(inputs, outputs)


def test_nested_inputs_and_outputs():
    data = {"p": np.ones((1, 2)), "q": [np.ones((1, 3)), np.ones((1, 4))]}

    def use(lib):
        model = nested(lib)
        outputs = model(data)
        return [shapes(outputs), type(outputs[1]["y"]).__name__, [t.shape for t in model.inputs]]

    want = [(1, 9), {"z": (1, 2), "y": [(1, 9)]}]
    assert alike(use)[0] == want
    assert nested(tv).output_shape == [(None, 9), {"z": (None, 2), "y": ((None, 9),)}]


def test_an_input_that_is_an_output():
    def use(lib):
        x = lib.Input((4,), name="i")
        model = lib.Model(x, [x, lib.layers.Dense(1, name="d")(x)])
        return model.output_names, shapes(model(A)), np.asarray(model(A)[0]).tolist()

    assert alike(use)[2] == A.tolist()


def test_operators_slices_and_functions():
    def use(lib):
        x = lib.Input((4,))
        y = lib.ops.relu(x) * 2 + x[:, :1] - lib.ops.mean(x, axis=-1, keepdims=True)
        model = lib.Model(x, [y, -y / 2.0, abs(x) ** 2, x @ np.eye(4, dtype="float32")])
        return [np.asarray(v).round(4).tolist() for v in model(np.arange(8.0).reshape(2, 4))]

    assert alike(use)[0] == [[-1.5, 0.5, 2.5, 4.5], [6.5, 8.5, 10.5, 12.5]]


def test_shared_layers_and_models():
    def use(lib):
        shared = lib.layers.Dense(4, name="shared")
        a, b = lib.Input((4,), name="a"), lib.Input((4,), name="b")
        twice = lib.Model([a, b], lib.layers.add([shared(shared(a)), shared(b)], name="sum"))
        c = lib.Input((4,), name="c")
        outer = lib.Model(c, twice([c, shared(c)]))
        return [
            [layer.name for layer in twice.layers],
            twice.count_params(),
            outer.count_params(),
            outer.output_shape,
            len(outer.trainable_weights),
        ]

    assert alike(use)[1:3] == [20, 20]


def test_models_called_as_layers():
    def use(lib):
        i, j = lib.Input((4,), name="i"), lib.Input((6,), name="j")
        outputs = two(lib)({"x": i, "y": j})
        outer = lib.Model([i, j], lib.layers.Dense(3, name="top")(outputs["p"]), name="outer")
        names = [layer.name for layer in outer.layers]
        return names, outer.output_shape, outer.count_params(), len(outer.weights)

    names, *_, count = alike(use)
    assert names[-2:] == ["two", "top"] and count == 10


def test_cuts():
    def use(lib):
        model = two(lib)
        head = lib.Model(model.input, model.get_layer("joined").output)
        left = lib.Model(model.get_layer("left").input, model.get_layer("left").output)
        tail = lib.Model(model.get_layer("joined").output, model.output["p"])
        pair = lib.Model(model.inputs, [model.get_layer("right").output, model.outputs[0]])
        return [
            [head.output_shape, left.output_shape, tail.input_shape, tail.output_shape],
            [[layer.name for layer in m.layers][-1] for m in (head, left, tail)],
            shapes(pair([A, B])),
            [m.count_params() for m in (head, left, tail, pair)],
        ]

    alike(use)
    model = two(tv)
    tail = tv.Model(model.get_layer("joined").output, model.output["p"])
    head = tv.Model(model.input, model.get_layer("joined").output)
    np.testing.assert_allclose(tail(head([A, B])), model([A, B])["p"], rtol=1e-6)


def test_ranks_dtypes_and_batches_that_nearly_fit():
    def use(lib):
        x, y = lib.Input((4, 1)), lib.Input((4,))
        numbers, fixed = lib.Input((4,), dtype="int32"), lib.Input(batch_shape=(3, 4))
        models = [
            lib.Model(x, lib.layers.Flatten()(x)),
            lib.Model(y, lib.layers.Dense(1)(y)),
            lib.Model(numbers, lib.layers.Embedding(5, 2)(numbers)),
            lib.Model(fixed, lib.layers.Dense(1)(fixed)),
        ]
        return [
            shapes(models[0](np.ones((2, 4)))),
            shapes(models[1](np.ones((2, 4, 1)))),
            shapes(models[2](np.ones((2, 4), "float32"))),
            shapes(models[3](np.ones((2, 4)))),
            models[3].input_shape,
        ]

    assert alike(use)[3:] == [(2, 1), (3, 4)]


def test_a_fixed_batch_and_a_partial_last_one():
    def use(lib):
        x = lib.Input(batch_shape=(2, 4))
        model = lib.Model(x, lib.layers.Dense(1)(x))
        return shapes(model.predict(A, batch_size=2, verbose=0))

    assert alike(use) == (5, 1)


def test_freezing_a_layer_and_the_whole():
    def use(lib):
        model = two(lib)
        model.get_layer("left").trainable = False
        some = len(model.trainable_weights), len(model.non_trainable_weights)
        model.trainable = False
        none = len(model.trainable_weights), len(model.non_trainable_weights)
        model.trainable = True
        return some, none, len(model.trainable_weights)

    assert alike(use) == ((6, 2), (0, 8), 8)


def test_numbers_from_the_same_weights():
    def use(keras):
        model = two(keras)
        return model.get_weights(), model([A, B])

    weights, want = quietly(use)
    ours = two(tv)
    ours.set_weights(weights)
    for name, output in ours([A, B]).items():
        np.testing.assert_allclose(output, want[name], rtol=1e-5, atol=1e-6)


def one(x):
    return tv.layers.Dense(1, name="d")(x)


REFUSED = {
    "no outputs": (lambda x: tv.Model(x, []), ValueError, "`outputs` are one or more.*got \\[\\]"),
    "no inputs": (lambda x: tv.Model([], one(x)), ValueError, "`inputs` are one or more"),
    "an array for an output": (lambda x: tv.Model(x, A), TypeError, r"array of shape \(5, 4\)"),
    "an input left out": (
        lambda x: tv.Model(tv.Input((4,), name="other"), one(x)),
        tv.DisconnectedGraphError,
        r"'x'.*needed by 'd'.*\['other'\]",
    ),
    "two layers of one name": (
        lambda x: tv.Model(x, one(one(x))),
        ValueError,
        "2 layers called 'd'.*another `name=`",
    ),
    "a shape": (
        lambda x: tv.Model(x, one(x), name="m")(np.ones((2, 5))),
        ValueError,
        r"Model 'm': the input 'x' has shape \(None, 4\); .*\(2, 5\)",
    ),
    "a rank": (
        lambda x: tv.Model(x, one(x))(np.ones((2, 3, 4))),
        ValueError,
        r"'x' has shape \(None, 4\); .*\(2, 3, 4\)",
    ),
    "two arrays": (
        lambda x: tv.Model(x, one(x))([A, A]),
        ValueError,
        r"one input, 'x'; it was given 2 arrays, of shape \(5, 4\), \(5, 4\)",
    ),
    "a misspelled key": (
        lambda x: two(tv)({"x": A, "yy": B}),
        ValueError,
        "inputs 'x', 'y'; the data has 'x', 'yy', and no 'y'. Did you mean 'yy'",
    ),
    "a misspelled name": (
        lambda x: two(tv)({"a": A, "bb": B}),
        ValueError,
        "inputs 'a', 'b'; the data has 'a', 'bb', and no 'b'",
    ),
    "one array for two": (lambda x: two(tv)(A), ValueError, "2 inputs, 'a', 'b'; .*one array"),
    "NumPy on a symbol": (lambda x: np.sin(x), tv.CaptureError, "`trivium.ops`"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case):
    call, error, words = REFUSED[case]
    with pytest.raises(error, match=words):
        call(tv.Input((4,), name="x"))


def test_a_subclass_given_inputs_and_outputs_is_functional_too() -> None:
    class Own(tv.Model):
        pass

    class Wrapped(tv.Model):
        def __init__(self, units: int) -> None:
            x = tv.Input((2,))
            super().__init__(inputs=x, outputs=tv.layers.Dense(units)(x))

    class Coded(tv.Model):
        def call(self, x: Any) -> Any:
            return x

    x = tv.Input((2,))
    y = tv.layers.Dense(1)(x)
    for model in (tv.Model(x, y), Own(x, y), Own(inputs=x, outputs=y), Wrapped(3)):
        assert isinstance(model, tv.models.Functional)
    coded = Coded()
    coded(np.ones((1, 2)))
    for other in (coded, Own(), tv.Sequential([x, tv.layers.Dense(1)]), tv.layers.Dense(1), None):
        assert not isinstance(other, tv.models.Functional)
    assert not isinstance(tv.Model(x, y), Own) and not isinstance(coded, Own)
