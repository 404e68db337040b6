"""Models as configs: Keras's own format, there and back, with everything nested inside; and JSON."""

import importlib
import inspect
import json
import warnings

import numpy as np
import pytest
from oracle import recorded

import trivium as tv
from trivium import layers as L
from trivium.models.keras_operations import OPERATIONS
from trivium.saving import custom_object_scope, deserialize_keras_object, serialize_keras_object


def plain(config):
    return json.loads(json.dumps(config))


def written(make, library):
    """Return the config that a library writes of its own model; automatic names count from the start."""
    library.backend.clear_session()
    return plain(library.saving.serialize_keras_object(make(library)))


def of_keras(make):
    return json.loads(recorded(lambda keras: json.dumps(written(make, keras))))


def with_ops(k):
    x = k.Input((3,), name="x")
    y = k.layers.Dense(2, name="d")(x)
    z = k.ops.concatenate([y * 2 + k.ops.relu(y), y[:, :1]], axis=-1)
    return k.Model({"x": x}, [z, y], name="with_ops")


def shared(k):
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    s = k.layers.Dense(4, name="s")
    p, q = s(a), s(s(b))
    o = k.layers.Dense(1, name="o")(p - q)
    return k.Model([a, b], {"o": o, "p": k.layers.Dropout(0.5, name="dr")(p)}, name="shared")


def nested(k):
    inner = shared(k)
    x = k.Input((4,), name="x")
    r = inner([x, x])
    again = inner([r["p"], x])
    stack = k.Sequential([k.Input((4,), name="i"), k.layers.Dense(2, name="sd")], name="stack")
    return k.Model(x, [stack(r["p"] + again["p"]), r["o"]], name="outer")


def masked(k):
    x = k.Input((None,), dtype="int32", name="ids")
    e = k.layers.Embedding(5, 3, mask_zero=True, name="e")(x)
    y = k.layers.GlobalAveragePooling1D(name="g")(e)
    return k.Model(x, k.layers.BatchNormalization(name="bn")(y, training=False), name="masked")


def stack(k):
    dense = k.layers.Dense(2, "relu", name="d", kernel_regularizer="l2")
    return k.Sequential(
        [k.Input((3,), name="i"), dense, k.layers.Dropout(0.2, name="dr")], name="stack"
    )


def open_stack(k):
    return k.Sequential([k.layers.Dense(2, name="d")], name="open")


def compiled(k):
    model = with_ops(k)
    rate = k.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    model.compile(
        k.optimizers.SGD(rate, momentum=0.9, name="sgd"), ["mse", k.losses.Huber(name="h")],
        metrics=[["mae"], [k.metrics.AUC(name="auc")]], loss_weights=[1.0, 0.5],
    )  # fmt: skip
    return model


def many_ops(k):
    o = k.ops
    x = k.Input((6, 4), name="x")
    y = o.reshape(o.transpose(x, (0, 2, 1)), (-1, 24))
    y = (
        o.clip(o.sum(o.square(y), axis=-1, keepdims=True), 0.0, 1.0)
        + o.mean(x, axis=[1, 2])[:, None]
    )
    y = o.softmax(o.where(y > 0.5, y, -y), axis=0)
    y = o.stack([o.tile(o.expand_dims(y, 1), [1, 2, 1])] * 2, axis=0)[0]
    y = o.cast(o.matmul(y, o.ones((1, 3))), "float16")
    return k.Model(x, o.take(y, [0, 0], axis=1), name="many_ops")


MAKERS = [with_ops, shared, nested, masked, stack, open_stack, compiled, many_ops]
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras's optimizers do.
each = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


@each
def test_a_model_is_written_as_keras_writes_it(make):
    assert written(make, tv) == of_keras(make)


@each
def test_a_model_is_read_from_its_own_config_and_from_keras_one(make):
    model = make(tv)
    for config in (written(make, tv), of_keras(make)):
        again = deserialize_keras_object(config)
        assert type(again) is type(model) and again.compiled == model.compiled
        assert plain(serialize_keras_object(again)) == plain(serialize_keras_object(model))
        if model.built:
            assert again.fingerprint() == model.fingerprint()
    fresh = type(model).from_config(plain(model.get_config()))
    assert plain(fresh.get_config()) == plain(model.get_config())
    if model.built:
        assert fresh.layers[-1] is not model.layers[-1]


def test_json_holds_the_model_and_how_it_was_compiled():
    model = compiled(tv)
    again = tv.models.model_from_json(model.to_json(indent=2))
    assert again.optimizer.momentum == 0.9 and again.optimizer.built
    assert again.optimizer.get_config() == model.optimizer.get_config()
    x, y = np.ones((4, 3), "float32"), [np.zeros((4, 3), "float32"), np.ones((4, 2), "float32")]
    again.set_weights(model.get_weights())
    mine, theirs = (m.evaluate({"x": x}, y, verbose=0, return_dict=True) for m in (model, again))
    assert mine == theirs
    with pytest.raises(TypeError, match="describes a Dense, which is no model"):
        tv.models.model_from_json(json.dumps(L.serialize(L.Dense(1))))


def test_what_was_said_stays_said():
    """`training` at its default, a mask of one's own, a list as an index."""
    x = tv.Input((4, 3), name="x")
    mask = tv.ops.not_equal(x[..., 0], 5.0)
    y = L.GlobalAveragePooling1D()(L.Dropout(0.5)(x, training=False), mask=mask)
    model = tv.Model(x, y + tv.ops.squeeze(x[:, [1]], 1))
    again = tv.Model.from_config(plain(model.get_config()))
    assert again.fingerprint() == model.fingerprint()
    data = np.random.default_rng(0).normal(size=(3, 4, 3)).astype("float32")
    data[:, 0, 0] = 5.0
    assert np.array_equal(again(data, training=True), model(data, training=True))


class Block(L.Layer):
    """Layers in a list, in a dict and alone, as arguments, with no `get_config`."""

    def __init__(self, first, rest=(), named=None, scale=2, **kwargs):
        super().__init__(**kwargs)
        self.first, self.rest, self.named, self.scale = first, list(rest), named or {}, scale

    def call(self, inputs):
        for layer in (self.first, *self.rest, *self.named.values()):
            inputs = layer(inputs)
        return inputs * self.scale


def block():
    inner = tv.Sequential([tv.Input((2,)), L.Dense(2, name="deep")], name="inner")
    return Block(
        L.Dense(2, name="a"),
        [L.Dense(2, "tanh", name="b"), inner],
        {"c": stack_layer()},
        name="block",
    )


def stack_layer():
    return Block(L.Dense(2, name="d"), named={"e": L.LayerNormalization(name="e")}, name="nested")


def test_layers_inside_layers_are_configs_inside_configs():
    layer = block()
    config = plain(L.serialize(layer))
    with custom_object_scope({"Block": Block}):
        again = L.deserialize(config)
        x = tv.Input((2,), name="x")
        model = tv.Model(x, again(x))
        copy = tv.Model.from_config(plain(model.get_config()))
    assert plain(L.serialize(L.deserialize(config, {"Block": Block}))) == config
    assert [w.path for w in copy.weights] == [w.path for w in model.weights]
    assert copy.fingerprint() == model.fingerprint()
    with pytest.raises(ValueError, match="Unknown layer 'Block'"):
        L.deserialize(config)
    with pytest.raises(ValueError, match=r"'Block' .* is not known here") as failed:
        tv.Model.from_config(plain(model.get_config()))
    assert not any("Dense" in note for note in getattr(failed.value, "__notes__", []))


def test_nesting_deep_costs_no_more_than_it_is_deep():
    """Each layer is written once: twice at each level would be a thousand million times here."""
    layer = L.Dense(2, name="innermost")
    for _ in range(30):
        layer = Block(layer, name="block")
    with custom_object_scope({"Block": Block}):
        again = L.deserialize(plain(L.serialize(layer)))
    for _ in range(30):
        again = again.first
    assert again.name == "innermost"


def test_a_subclass_is_its_arguments_or_says_what_to_write():
    class Net(tv.Model):
        def __init__(self, units, head=None, **kwargs):
            super().__init__(**kwargs)
            self.dense, self.head = L.Dense(units), head

        def call(self, x):
            return self.head(self.dense(x))

    net = Net(3, head=L.Dense(1, name="head"), name="net")
    config = plain(net.get_config())
    again = Net.from_config(config)
    assert again.name == "net" and again.head.name == "head" and again.dense.units == 3
    assert again.get_config() == net.get_config()
    with pytest.raises(NotImplementedError, match=r"Net was made with head=<object.*`get_config`"):
        Net(1, head=object()).get_config()


def test_what_no_config_holds_says_so():
    x = tv.Input((2,))
    kept = tv.Variable(np.ones(2, "float32"), name="kept")
    for y in (tv.ops.map(lambda row: row * 2, x), x * kept):
        with pytest.raises(
            (NotImplementedError, TypeError, ValueError), match="config cannot hold"
        ):
            tv.Model(x, y).get_config()
    model = tv.Sequential([tv.Input((2,)), L.Dense(1)])
    model.compile("sgd", lambda t, p: abs(t - p))
    with pytest.warns(UserWarning, match="does not say what it was compiled with"):
        assert not tv.models.model_from_json(model.to_json()).compiled


def test_a_damaged_config_names_the_place():
    config = plain(with_ops(tv).get_config())
    for change, words in [
        (lambda c: c["layers"][1].update(class_name="Dence"), "'Dence'.*Did you mean 'Dense'"),
        (lambda c: c["layers"].pop(1), "'d'"),
        (lambda c: c["layers"][2].update(class_name="Multiplie"), "'Multiplie'.*'Multiply'"),
        (lambda c: c.update(output_layers=["nobody", 0, 0]), "'nobody'"),
        (lambda c: c["layers"][1].update(inbound_nodes=[]), "not connected|nothing gives"),
    ]:
        broken = json.loads(json.dumps(config))
        change(broken)
        with pytest.raises(ValueError, match=words):
            tv.Model.from_config(broken)


def settings(entries):
    """Return what the constructors of Keras's operations take."""
    classes = [getattr(importlib.import_module(module), name) for module, name in entries]
    own = ("self", "name", "kwargs")
    return [[p for p in inspect.signature(c.__init__).parameters if p not in own] for c in classes]


def test_ops_are_the_operations_of_keras():
    """The table of Keras's operations names classes that Keras has, with the settings that they take."""
    entries = [(known.module, known.class_name) for known in OPERATIONS.values()]
    theirs = recorded(lambda keras: settings(entries))
    for known, taken in zip(OPERATIONS.values(), theirs, strict=True):
        assert list(known.settings) == taken, known
        assert set(known.settings) <= set(inspect.signature(tv.ops.BY_NAME[known.op]).parameters)


def test_a_compile_of_ones_own_is_not_called_blindly():
    class Own(tv.Sequential):
        def compile(self, rate):
            super().compile(tv.optimizers.SGD(rate), "mse")

    model = Own([tv.Input((2,)), L.Dense(1)])
    model.compile(0.5)
    with warnings.catch_warnings(), custom_object_scope({"Own": Own}):
        warnings.simplefilter("ignore")
        assert not tv.models.model_from_json(model.to_json()).compiled


def test_stacks_that_begin_with_the_data_and_layers_that_stand_twice():
    dense = L.Dense(4, name="twice")
    model = tv.Sequential([dense, L.ReLU(name="r"), dense])
    assert "build_input_shape" not in model.get_config()
    model(np.ones((2, 4), "float32"))
    again = tv.Sequential.from_config(plain(model.get_config()))
    assert again.layers[0] is again.layers[2] and again.built and len(again.weights) == 2
    assert again.fingerprint() == model.fingerprint()


class Plain(tv.Model):
    pass


class Anything(tv.Model):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


class Inside(tv.Model):
    def __init__(self, units, **kwargs):
        x = tv.Input((3,), name="x")
        super().__init__(x, L.Dense(units, name="d")(x), **kwargs)


class More(tv.Model):
    def __init__(self, inputs, outputs, more=1):
        super().__init__(inputs, outputs)


def test_classes_of_ones_own_around_a_graph():
    x = tv.Input((3,), name="x")
    y = L.Dense(2, name="d")(x)
    for model in (
        Plain(x, y, name="m"),
        Anything(inputs=x, outputs=y, name="m"),
        Inside(2, name="m"),
    ):
        again = type(model).from_config(plain(model.get_config()))
        assert type(again) is type(model) and again.fingerprint() == model.fingerprint()
        assert again.get_config() == model.get_config() and again.name == "m"
    assert Inside(2, name="m").get_config()["units"] == 2
    with pytest.raises(NotImplementedError, match=r"made with inputs=.*holds a tensor of a graph"):
        More(x, y).get_config()


def inside_and_alone():
    """A layer that stands inside another one, and in the model itself."""
    x = tv.Input((3, 4), name="x")
    dense = L.Dense(4, name="dense")
    return tv.Model(x, L.TimeDistributed(dense, name="each")(dense(x)), name="shared_inside")


def test_a_layer_in_two_places_of_a_config_is_one(tmp_path):
    model, data = inside_and_alone(), np.ones((2, 3, 4), "float32")
    stack = tv.Sequential([model.layers[0], model.get_layer("each"), model.get_layer("dense")])
    for one in (model, stack):
        one.save(tmp_path / "model.keras")
        for again in (
            type(one).from_config(plain(one.get_config())),
            tv.models.model_from_json(one.to_json()),
            tv.saving.load_model(tmp_path / "model.keras"),
        ):
            assert again.get_layer("each").layer is again.get_layer("dense")
            assert again.fingerprint() == one.fingerprint()
        np.testing.assert_array_equal(again.predict(data, verbose=0), one.predict(data, verbose=0))
    with_ids = plain(model.get_config())
    assert [e["class_name"] for e in with_ids["layers"] if "shared_object_id" in e] == ["Dense"]
    # Two models that are read are two, and so are objects of two classes under one number.
    both = [deserialize_keras_object(serialize_keras_object(model)) for _ in range(2)]
    assert both[0].get_layer("dense") is not both[1].get_layer("dense")
    dense = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 2}}
    flat = {"module": "keras.layers", "class_name": "Flatten", "config": {}}
    first, second, other = deserialize_keras_object(
        [{**c, "shared_object_id": 140490075958352} for c in (dense, dense, flat)]
    )
    assert first is second and isinstance(other, L.Flatten)
