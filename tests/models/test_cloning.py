"""Clones: the same network with weights of its own, in every style; functions and inputs of one's own, as in Keras."""

import jax
import numpy as np
import pytest
from fixed_plans import fixed_plans
from hypothesis import given, settings
from oracle import both, recorded
from random_graphs import models

import trivium as tv
from trivium import ops

clone_model = tv.models.clone_model


def sequential(library=tv):
    layers = [
        library.layers.Dense(3, activation="relu", name="hidden"),
        library.layers.Dense(2, name="out"),
    ]
    return library.Sequential([library.Input((4,), name="data"), *layers], name="net")


def functional(library=tv):
    """Two inputs, a shared layer, a model inside."""
    a, b = library.Input((4,), name="a"), library.Input((4,), name="b")
    shared, inner = library.layers.Dense(4, name="shared"), sequential(library)
    joined = library.layers.Add(name="joined")([shared(a), shared(b)])
    outputs = {"main": inner(joined), "side": library.layers.Dropout(0.5, name="side")(joined)}
    return library.Model({"a": a, "b": b}, outputs, name="two")


class Subclassed(tv.Model):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.dense = tv.layers.Dense(units)

    def call(self, x):
        return self.dense(x)


def assert_no_weight_is_shared(clone, model):
    assert not {id(v) for v in clone.variables} & {id(v) for v in model.variables}


# --- plain clones


@pytest.mark.parametrize("build", [sequential, functional])
def test_a_clone_is_the_same_network_with_its_own_weights(build):
    model = build()
    clone = clone_model(model)
    assert type(clone) is type(model) and clone.name == model.name
    assert [layer.name for layer in clone.layers] == [layer.name for layer in model.layers]
    assert not {id(layer) for layer in clone.layers} & {id(layer) for layer in model.layers}
    for one, other in zip(model.layers, clone.layers, strict=True):
        if not isinstance(one, tv.Model):
            assert one.get_config() == other.get_config()
    assert clone.fingerprint() == model.fingerprint()
    assert clone.input_names == model.input_names and clone.output_shape == model.output_shape
    assert_no_weight_is_shared(clone, model)
    assert clone.weights_sha256() != model.weights_sha256(), "the weights are drawn anew"
    clone.set_weights(model.get_weights())
    assert clone.weights_sha256() == model.weights_sha256()


def test_training_the_clone_leaves_the_model():
    model = sequential()
    clone, before = clone_model(model), model.weights_sha256()
    clone.compile("sgd", "mse")
    clone.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)
    assert model.weights_sha256() == before and not model.compiled


@settings(max_examples=25, deadline=None)
@given(models())
def test_clones_of_random_models_compute_the_same(example):
    clone = clone_model(example.model)
    assert_no_weight_is_shared(clone, example.model)
    clone.set_weights(example.model.get_weights())
    one, other = (jax.tree_util.tree_leaves(m(example.inputs)) for m in (example.model, clone))
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a, b, equal_nan=True)


@settings(max_examples=10, deadline=None)
@given(models(max_steps=5))
def test_clones_of_random_models_have_their_fingerprint(example):
    assert clone_model(example.model).fingerprint() == example.model.fingerprint()


@pytest.mark.parametrize("plan", fixed_plans())
def test_clones_list_layers_as_keras_clones_do(plan):
    def listed(library):
        clone = library.models.clone_model(plan.build("net", library=library)[0])
        layers = [(layer.name, type(layer).__name__) for layer in clone.layers]
        return layers, [tuple(w.shape) for w in clone.weights]

    ours, theirs = both(listed)
    assert ours == theirs


def test_what_is_frozen_stays_frozen():
    model = functional()
    model.get_layer("shared").trainable = False
    model.get_layer("net").trainable = False
    clone = clone_model(model)
    assert not clone.get_layer("shared").trainable and not clone.get_layer("net").trainable
    assert clone.trainable_weights == [] and len(clone.weights) == len(model.weights)


def test_a_layer_shared_across_models_inside_stays_shared():
    shared = tv.layers.Dense(4, name="shared")
    inner = tv.Sequential([tv.Input((4,)), shared], name="inner")
    x = tv.Input((4,))
    model = tv.Model(x, inner(shared(x)))
    clone = clone_model(model)
    assert len(clone.weights) == len(model.weights) == 2
    assert clone.get_layer("inner").layers[0] is clone.get_layer("shared")


def test_optional_inputs_and_dtypes_are_kept():
    words = tv.Input((3,), dtype="int32", name="words", optional=True)
    model = tv.Model(words, tv.layers.Embedding(5, 2)(words))
    clone = clone_model(model)
    entry = clone.layers[0]
    assert entry.optional and clone.inputs[0].dtype == "int32" and entry.name == "words"


def test_an_unbuilt_sequential_model_is_cloned_unbuilt():
    model = tv.Sequential([tv.layers.Dense(3), tv.layers.Dense(2)])
    clone = clone_model(model)
    assert not clone.built and len(clone.layers) == 2
    assert clone(np.ones((1, 4))).shape == (1, 2) and not model.built


def test_half_built_code_graphs_and_ops_are_cloned():
    x = tv.Input((4,))
    y = ops.tanh(tv.layers.Dense(3)(x))[:, 1:] * np.arange(2, dtype="float32") + 1.0
    model = tv.Model(x, y)
    clone = clone_model(model)
    assert clone.fingerprint() == model.fingerprint()
    assert [n.name for n in clone.graph().nodes] == [n.name for n in model.graph().nodes]


# --- subclasses


def test_a_subclassed_model_is_made_by_its_class():
    model = Subclassed(5, name="mine")
    model(np.ones((1, 2)))
    clone = clone_model(model)
    assert type(clone) is Subclassed and (clone.units, clone.name) == (5, "mine")
    assert clone(np.ones((1, 2))).shape == (1, 5)
    assert_no_weight_is_shared(clone, model)


def test_a_subclass_that_only_adds_methods_keeps_its_class():
    class Counted(tv.Model):
        def count(self):
            return len(self.layers)

    x = tv.Input((4,))
    model = Counted(x, tv.layers.Dense(2)(x), name="counted")
    clone = clone_model(model)
    assert type(clone) is Counted and clone.count() == 2 and clone.name == "counted"
    assert clone.fingerprint() == model.fingerprint()


@pytest.mark.parametrize(
    "options",
    [
        {"clone_function": lambda layer: layer},
        {"call_function": lambda layer, *args: layer(*args)},
        {"input_tensors": [tv.Input((2,))]},
    ],
    ids=lambda o: next(iter(o)),
)
def test_a_subclassed_model_takes_no_functions(options):
    (argument,) = options
    with pytest.raises(ValueError, match=rf"cannot use `{argument}` with 'mine' \(Subclassed\)"):
        clone_model(Subclassed(name="mine"), **options)

    def refused(keras):
        class Theirs(keras.Model):
            pass

        with pytest.raises(ValueError, match="only supported for"):
            keras.models.clone_model(Theirs(), **options)
        return True

    assert recorded(refused)


def test_a_class_whose_arguments_no_config_holds_says_so():
    class Odd(tv.Model):
        def __init__(self, function):
            super().__init__()

        def call(self, x):
            return x

    with pytest.raises(NotImplementedError, match=r"function=<built-in function len>.*get_config"):
        clone_model(Odd(len))


def test_other_misuse_is_explained():
    with pytest.raises(TypeError, match="takes a model; got"):
        clone_model(tv.layers.Dense(2))
    with pytest.raises(ValueError, match=r"`call_function` with 'net' \(Sequential\)"):
        clone_model(sequential(), call_function=lambda layer, x: layer(x))
    with pytest.raises(TypeError, match="symbolic tensors, which `Input` gives"):
        clone_model(sequential(), input_tensors=[np.ones((1, 4))])
    for model, tensors in ((sequential(), [tv.Input((4,))] * 2), (functional(), tv.Input((4,)))):
        with pytest.raises(ValueError, match=r"`input_tensors` holds \d tensors; the model has \d"):
            clone_model(model, input_tensors=tensors)
    with pytest.raises(ValueError, match="hidden"):
        clone_model(
            sequential(), input_tensors=tv.Input((2, 4, 1)), clone_function=lambda layer: layer
        )


# --- functions of one's own


@pytest.mark.parametrize(("recursive", "inside"), [(False, ["net"]), (True, ["hidden", "out"])])
def test_a_clone_function_sees_each_layer_once(recursive, inside):
    def names(library):
        seen = []

        def clone(layer):
            seen.append(layer.name)
            return layer

        library.models.clone_model(functional(library), clone_function=clone, recursive=recursive)
        return sorted(seen)

    ours, theirs = both(names)
    assert ours == theirs == sorted(["shared", "joined", "side", *inside])


def test_a_clone_function_changes_layers():
    def clone(layer):
        if isinstance(layer, tv.layers.Dropout):
            return tv.layers.Dropout(0.1, name=layer.name)
        return type(layer).from_config(layer.get_config())

    changed = clone_model(functional(), clone_function=clone, recursive=True)
    assert changed.get_layer("side").rate == 0.1
    assert changed.fingerprint() != functional().fingerprint()


def test_a_clone_function_may_keep_layers():
    model = functional()
    clone = clone_model(model, clone_function=lambda layer: layer)
    assert clone is not model and clone.get_layer("shared") is model.get_layer("shared")
    assert clone.weights_sha256() == model.weights_sha256()
    other = clone_model(sequential(), clone_function=lambda layer: layer)
    assert other.fingerprint() == sequential().fingerprint()


def test_a_call_function_adds_layers():
    def build(library):
        def call(layer, *args, **kwargs):
            outputs = layer(*args, **kwargs)
            if isinstance(layer, library.layers.Dense):
                outputs = library.layers.Dropout(0.5, name=f"drop_{outputs.shape[-1]}")(outputs)
            return outputs

        x = library.Input((4,), name="x")
        y = library.layers.Dense(2, name="b")(library.layers.Dense(3, name="a")(x))
        model = library.Model(x, y)
        clone = library.models.clone_model(model, call_function=call)
        return [layer.name for layer in clone.layers]

    ours, theirs = both(build)
    assert ours == theirs == ["x", "a", "drop_3", "b", "drop_2"]


def test_a_call_function_goes_into_models_inside_only_when_asked():
    def calls(**options):
        seen = []

        def call(layer, *args, **kwargs):
            seen.append(layer.name)
            return layer(*args, **kwargs)

        x = tv.Input((4,))
        inner = tv.Model(x, tv.layers.Dense(4, name="deep")(x), name="inner")
        y = tv.Input((4,))
        clone_model(tv.Model(y, inner(y)), call_function=call, **options)
        return seen

    assert calls() == ["inner"] and calls(recursive=True) == ["deep", "inner"]


# --- inputs of one's own


def test_clones_on_other_inputs():
    model = functional()
    a, b = tv.Input((4,), batch_size=2, name="left"), tv.Input((4,), batch_size=2, name="right")
    clone = clone_model(model, input_tensors={"a": a, "b": b})
    assert clone.inputs[0] is a and clone.inputs[1] is b
    assert clone.output_shape == {"main": (2, 2), "side": (2, 4)}
    stacked = clone_model(sequential(), input_tensors=tv.Input((5, 4)))
    assert stacked.output_shape == (None, 5, 2)


def test_clones_on_tensors_in_the_middle():
    middle = tv.layers.Dense(4)(tv.Input((6,)))
    clone = clone_model(sequential(), input_tensors=[middle])
    assert clone.input_shape == (None, 4) and clone.layers[0].name == "hidden"
    a, b = tv.Input((4,)), tv.Input((4,))
    graph = clone_model(tv.Model([a, b], a + b), input_tensors=[middle, middle * 2.0])
    assert graph([np.ones((1, 4)), np.ones((1, 4))]).tolist() == [[2.0] * 4]


@tv.saving.register_keras_serializable("clones")
class Three(tv.layers.Layer):
    """Layers given from outside, used in another order than they stand in the constructor."""

    def __init__(self, last, first, middle, **kwargs):
        super().__init__(**kwargs)
        self.last, self.first, self.middle = last, first, middle

    def call(self, x):
        return self.last(ops.scan(lambda h, _: (self.middle(self.first(h)), None), x, length=2)[0])


@tv.saving.register_keras_serializable("clones")
class Building(Three):
    """The same, with the layers built by hand."""

    def build(self, input_shape):
        for layer in (self.middle, self.first, self.last):
            layer.build(input_shape)


@tv.saving.register_keras_serializable("clones")
class Unit(tv.layers.Layer):
    """A layer around a layer, which no config builds."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units, self.dense = units, tv.layers.Dense(units, bias_initializer="normal")

    def call(self, x):
        return self.dense(x)


def _declared(name):
    inputs = tv.Input((4,))
    return tv.Model(inputs, tv.layers.Dense(4, bias_initializer="normal")(inputs), name=name)


def _dense(name, built=False):
    layer = tv.layers.Dense(4, bias_initializer="normal", name=name)
    if built:
        layer(np.ones((1, 4), "float32"))
    return layer


@pytest.mark.parametrize(
    "make",
    [
        lambda: Three(_dense("a"), Unit(4), _dense("c")),
        lambda: Three(_declared("a"), _declared("b"), _declared("c")),
        lambda: Three(_dense("a", built=True), _dense("b"), _dense("c", built=True)),
        lambda: Building(_dense("a"), _dense("b"), _dense("c")),
    ],
    ids=["some built by configs", "models", "built before", "built by hand"],
)
def test_weights_inside_a_layer_are_listed_alike_in_the_clone(make):
    x = np.eye(4, dtype="float32")
    model = tv.Sequential([tv.Input((4,)), make()])
    layer = model.layers[-1]
    alone = type(layer).from_config(layer.get_config())
    alone(x)
    clones = [clone_model(model), tv.models.model_from_json(model.to_json()), alone]
    for clone in clones:
        assert len(clone.weights) == len(model.weights) == 6
        clone.set_weights(model.get_weights())
        np.testing.assert_array_equal(np.asarray(clone(x)), np.asarray(model(x)))


class Unknown(tv.layers.Layer):
    """A class that nobody registered."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units, self.dense = units, tv.layers.Dense(units, bias_initializer="normal")

    def call(self, x):
        return self.dense(x)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Around(tv.layers.Layer):
    """Another, around a layer, with the config that Keras asks for."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, x):
        return self.inner(x)

    def get_config(self):
        inner = tv.saving.serialize_keras_object(self.inner)
        return {**super().get_config(), "inner": inner}

    @classmethod
    def from_config(cls, config):
        inner = tv.saving.deserialize_keras_object(config.pop("inner"))
        return cls(inner, **config)


def test_classes_inside_need_no_registration_to_be_cloned_or_written():
    x = np.ones((2, 4), "float32")
    model = tv.Sequential([tv.Input((4,)), Around(Around(Unknown(3)))])
    clone = clone_model(model)
    space = {"Around": Around, "Unknown": Unknown}
    exec(tv.source(model), space)
    for other in (clone, space["model"]):
        assert not {id(w) for w in other.weights} & {id(w) for w in model.weights}
        other.set_weights(model.get_weights())
        np.testing.assert_array_equal(np.asarray(other(x)), np.asarray(model(x)))
