"""Everything that has state can be copied and pickled; a copy is its original to the bit, and independent of it."""

import copy
import gc
import pickle
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import layers as L

X = np.random.default_rng(0).normal(size=(7, 4)).astype("float32")
Y = X[:, :1] - X[:, 1:2]


def pickled(thing):
    return pickle.loads(pickle.dumps(thing))


WAYS = [copy.deepcopy, copy.copy, pickled]
each_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


def sequential():
    return tv.Sequential(
        [tv.Input((4,)), L.Dense(3, "relu"), L.Dropout(0.3), L.BatchNormalization(), L.Dense(1)],
        name="stack",
    )


def functional():
    """A shared layer, ops, a model inside, a penalty."""
    x = tv.Input((4,), name="x")
    shared = L.Dense(4, name="shared", kernel_regularizer="l2")
    y = shared(shared(x)) * 2 + tv.ops.relu(x)
    return tv.Model(x, sequential()(y), name="graph")


class Net(tv.Model):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.first = L.Dense(units)
        self.drop = L.Dropout(0.5)
        self.heads = [{"out": L.Dense(1, name="out")}]

    def call(self, x, training=False):
        return self.heads[0]["out"](self.drop(tv.ops.relu(self.first(x)), training=training))


class Traced(tv.Model):
    def __init__(self):
        super().__init__()
        self.dense = L.Dense(3)

    def call(self, x):
        return jnp.sum(jnp.sin(self.dense(x)), -1, keepdims=True)


class Hooked(tv.Model):
    def __init__(self):
        super().__init__()
        self.dense = L.Dense(1)

    def call(self, x):
        return self.dense(x)

    def train_step(self, state, data):
        return super().train_step(state, data)


MODELS = {
    "sequential": sequential,
    "functional": functional,
    "subclass": Net,
    "traced": Traced,
    "captured into a subclass": lambda: tv.convert(sequential(), "subclass"),
    "captured with hooks": lambda: tv.convert(called(Hooked()), "functional"),
}


def called(model):
    model(X)
    return model


def values(variables):
    return [np.array(v) for v in variables]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("make", [sequential, lambda: called(Hooked())], ids=["named", "hooked"])
@pytest.mark.parametrize("to", ["sequential", "functional", "subclass"])
def test_paths_do_not_change_when_the_model_that_was_converted_is_collected(make, to):
    model = tv.convert(make(), to)
    paths = [v.path for v in model.variables]
    gc.collect()
    assert [v.path for v in model.variables] == paths and paths[0].startswith(model.name)
    for way in WAYS:
        other = way(model)
        gc.collect()
        assert [v.path for v in other.variables] == paths


@pytest.mark.parametrize("style", MODELS)
def test_a_trained_model_goes_on_training_as_its_copies_do(style):
    tv.utils.set_random_seed(3)
    model = MODELS[style]()
    rate = tv.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    model.compile(tv.optimizers.Adam(rate), "mse", metrics=["mae"])
    model.fit(X, Y, epochs=1, batch_size=3, verbose=0)
    copies = [way(model) for way in WAYS]
    before = values([*model.variables, *model.optimizer.variables])
    paths = [v.path for v in (*model.variables, *model.optimizer.variables)]
    trained = []
    for other in copies:
        assert type(other).__name__ == type(model).__name__ and other.name == model.name
        assert [v.path for v in (*other.variables, *other.optimizer.variables)] == paths
        assert np.array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))
        history = other.fit(X, Y, epochs=1, batch_size=3, verbose=0).history
        trained.append((history, values([*other.variables, *other.optimizer.variables])))
        assert same(values([*model.variables, *model.optimizer.variables]), before)
    history = model.fit(X, Y, epochs=1, batch_size=3, verbose=0).history
    after = values([*model.variables, *model.optimizer.variables])
    for theirs, state in trained:
        assert theirs == history and same(state, after)
    assert not same(before, after)


@each_way
def test_a_model_that_nobody_has_trained(way):
    tv.utils.set_random_seed(4)
    for make in (functional, Net):
        model = make(name="net") if make is Net else make()
        if make is functional:
            model.compile("sgd", "mse")
        other = way(model)
        assert other.built == model.built and other.compiled == model.compiled
        if model.built:  # The first values are not drawn yet: both draw the same.
            assert same(values(other.variables), values(model.variables))
            assert other.fingerprint() == model.fingerprint()
            assert other.layers[1] is not model.layers[1]
            assert [x.name for x in other.layers] == [x.name for x in model.layers]
            assert other.get_layer("shared").output is not model.get_layer("shared").output


@each_way
def test_a_layer_is_copied_without_the_model_around_it(way):
    model = functional()
    shared = model.get_layer("shared")
    other = way(shared)
    assert other.name == "shared" and other.kernel.path == "shared/kernel"
    assert shared.kernel.path == "graph/shared/kernel"
    assert same(values(other.weights), values(shared.weights))
    other.kernel.assign(jnp.zeros((4, 4)))
    assert np.any(np.array(shared.kernel))
    with pytest.raises(AttributeError, match="has not been called on symbolic tensors"):
        _ = other.output
    assert len(pickle.dumps(shared)) < 5_000


@each_way
def test_a_variable_that_is_not_drawn_yet_is_drawn_the_same(way):
    layer = L.Dense(3)
    layer.build((None, 4))
    other = way(layer)
    assert same(values(other.weights), values(layer.weights))
    generator = tv.random.SeedGenerator()
    theirs = way(generator)
    generator.next()
    assert np.array_equal(np.array(generator.state), np.array(theirs.state) + np.arange(2))


@each_way
def test_a_deep_graph_needs_no_deep_recursion(way):
    x = y = tv.Input((4,))
    shared = L.Dense(4)
    y = shared(y)
    for _ in range(250):
        y = L.Identity()(y) + 1.0
    model = tv.Model(x, shared(y))
    other = way(model)
    assert len(other.layers) == len(model.layers) and other.layers[1].name == model.layers[1].name


def test_symbolic_tensors_keep_their_history():
    x = tv.Input((None, 5), name="x")
    y = L.Dense(3)(x)
    for a, b in (copy.deepcopy((x, y)), pickled((x, y))):
        assert b.node.inputs[0] is a and b.shape == y.shape
        assert tv.Model(a, b)(np.ones((2, 4, 5))).shape == (2, 4, 3)


def test_symbols_of_another_process_are_not_given_again(tmp_path):
    """A size that is not known there is not mistaken for one that is not known here."""
    file = tmp_path / "model"
    write = (
        "import pickle, sys, trivium as tv\n"
        "x = tv.Input((None, 4)); y = tv.layers.Dense(2, name='d')(x)\n"
        f"pickle.dump(tv.Model(x, y), open({str(file)!r}, 'wb'))\n"
    )
    subprocess.run([sys.executable, "-c", write], check=True, timeout=120)
    model = pickle.loads(file.read_bytes())
    mine, theirs = tv.Input((None, 4)), model.input
    assert str(mine.dims[1]) != str(theirs.dims[1])
    assert model(np.ones((2, 3, 4))).shape == (2, 3, 2)


@each_way
def test_callbacks_and_histories(way, tmp_path):
    model = sequential()
    model.compile("sgd", "mse")
    callbacks = [
        tv.callbacks.EarlyStopping("loss", restore_best_weights=True),
        tv.callbacks.ReduceLROnPlateau("loss"),
        tv.callbacks.TerminateOnNaN(),
        tv.callbacks.CSVLogger(str(tmp_path / "log.csv")),
        tv.callbacks.ModelCheckpoint(str(tmp_path / "a.weights.h5"), save_weights_only=True),
        tv.callbacks.History(),
    ]
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=callbacks)
    for callback in (*callbacks, history):
        other = way(callback)
        assert type(other) is type(callback)
        if way is not copy.copy:
            assert other.model is not model and same(
                values(other.model.weights), values(model.weights)
            )
    assert way(history).history == history.history
    assert way(model).history.history == history.history


OPTIMIZERS = {
    "Adam": lambda o: o.Adam(o.schedules.CosineDecay(0.1, 10), use_ema=True),
    "LossScale": lambda o: o.LossScaleOptimizer(o.SGD(0.1, momentum=0.5)),
    "Multi": lambda o: o.MultiOptimizer(o.OptimizerMap(o.SGD(), {"a": o.Adam()})),
    "Muon": lambda o: o.Muon(gradient_accumulation_steps=2),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("way", [copy.deepcopy, pickled])
def test_optimizers_keep_their_state(name, way):
    optimizer = OPTIMIZERS[name](tv.optimizers)
    variables = [tv.Variable(jnp.ones((2, 2)), name="a"), tv.Variable([1.0], name="b")]
    gradients = [jnp.full((2, 2), 0.5), jnp.ones(1)]
    optimizer.apply(gradients, variables)
    other, theirs = way((optimizer, variables))
    assert [v.path for v in other.variables] == [v.path for v in optimizer.variables]
    other.apply(gradients, theirs)
    before = values(variables)
    optimizer.apply(gradients, variables)
    assert same(values(theirs), values(variables)) and not same(before, values(variables))
    alone = way(optimizer)
    assert same(values(alone.variables), values(optimizer.variables))
    assert alone.get_config() == optimizer.get_config()


@each_way
def test_metrics_keep_their_state(way):
    metric = tv.metrics.AUC(num_thresholds=5)
    metric.update_state([0, 1, 1], [0.1, 0.4, 0.9])
    other = way(metric)
    assert float(other.result()) == float(metric.result()) and other.name == metric.name
    assert [v.path for v in other.variables] == [v.path for v in metric.variables]
    other.reset_state()
    assert float(metric.result()) != float(other.result())


@each_way
def test_what_has_no_state(way):
    for thing in (
        tv.initializers.HeNormal(seed=3), tv.regularizers.L1L2(0.1, 0.2), tv.constraints.MaxNorm(3),
        tv.losses.Huber(0.5), tv.DTypePolicy("mixed_bfloat16"), tv.losses.mean_squared_error,
        tv.optimizers.schedules.PiecewiseConstantDecay([1], [0.1, 0.2]), tv.activations.relu, tv.losses.get,
    ):  # fmt: skip
        other = way(thing)
        if hasattr(thing, "get_config"):
            assert type(other) is type(thing) and other.get_config() == thing.get_config()
        else:
            assert other is thing


def test_the_order_of_weights_stays_with_compile_and_in_copies():
    """The order is the graph's, also where the code calls first what stands nearest to the outputs."""

    class Judged(tv.Model):
        def __init__(self):
            super().__init__()
            self.make, self.judge = (
                tv.layers.Dense(3, name="make"),
                tv.layers.Dense(1, name="judge"),
            )

        def call(self, x):
            return self.judge(x), self.judge(self.make(x))

    model = Judged()
    model(np.ones((2, 3)))
    names = [w.path.split("/")[-2:] for w in model.weights]
    assert names[0] == ["make", "kernel"]
    model.compile("sgd", "mse")  # The captured graphs are gone.
    for other in (model, copy.deepcopy(model)):
        assert [w.path.split("/")[-2:] for w in other.weights] == names


class Neighbor(tv.layers.Layer):
    """A layer that knows another one, which knows it."""

    def __init__(self, **options):
        super().__init__(**options)
        self.dense, self.other = tv.layers.Dense(3), None

    def call(self, inputs):
        return self.dense(inputs)


class Neighbors(tv.Model):
    def __init__(self):
        super().__init__()
        self.a, self.b = Neighbor(name="a"), Neighbor(name="b")
        self.a.other, self.b.other, self.a.whole = self.b, self.a, self

    def call(self, inputs):
        return self.b(self.a(inputs))


def test_layers_may_hold_each_other(tmp_path):
    model, x = Neighbors(), np.ones((2, 3), "float32")
    model.compile("sgd", "mse")
    model.fit(x, x, verbose=0)
    assert [w.path.partition("/")[2] for w in model.a.weights[:2]] == [
        "a/dense/kernel",
        "a/dense/bias",
    ]
    assert [len(held) for held in (model.weights, model.a.variables, model.metrics)] == [4, 4, 1]
    copied = copy.deepcopy(model)
    assert (copied.a.other, copied.b.other, copied.a.whole) == (copied.b, copied.a, copied)
    model.save(tmp_path / "m.keras")
    known = {"Neighbor": Neighbor, "Neighbors": Neighbors}
    loaded = tv.models.load_model(tmp_path / "m.keras", custom_objects=known)
    for other in (copied, pickle.loads(pickle.dumps(model)), loaded):
        np.testing.assert_array_equal(other(x), model(x))
    assert tv.models.clone_model(model)(x).shape == (2, 3)
    model.a.trainable = False
    assert not (model.b.dense.trainable or model.trainable or model.trainable_weights)
