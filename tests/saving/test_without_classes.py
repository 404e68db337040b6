"""Models in files whose classes are not here: the graph that was saved with them predicts, trains on and converts."""

import io

import numpy as np
import pytest

import trivium as tv

L = tv.layers
X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")


class Scale(L.Layer):
    """A weight of its own, with a penalty."""

    def build(self, input_shape):
        self.w = self.add_weight(shape=input_shape[-1:], regularizer="l2", name="w")

    def call(self, x):
        return x * self.w


class TwiceInTraining(L.Layer):
    def call(self, x, training=None):
        return x * 2.0 if training else x


class Surrounding(L.Layer):
    """Layers within a layer, one of them known to everybody."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.inner, self.scale = L.Dense(units), Scale()

    def call(self, x):
        return self.scale(self.inner(x))


class Residual(tv.Model):
    """Blocks in a list, a weight of the model's own, statistics, a layer called twice and a loss."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.out = L.Dense(2)
        self.blocks = [(Surrounding(4), L.BatchNormalization()) for _ in range(2)]
        self.factor = self.add_weight(shape=(), initializer="ones", name="factor")

    def call(self, x):
        for around, norm in self.blocks:
            x = x + norm(tv.ops.tanh(around(around(x)))) * self.factor
        self.add_loss(0.1 * tv.ops.mean(x))
        return {"y": self.out(x[:, :3])}


def residual():
    return Residual(name="net"), {"y": X[:, :2]}


def functional_with_a_layer_of_ones_own():
    x = tv.Input((4,), name="x")
    return tv.Model(x, L.Dense(2)(Surrounding(3)(x)), name="net"), X[:, :2]


def two_ways():
    layers = [Scale(), TwiceInTraining(), L.Dense(2)]
    return tv.Sequential([tv.Input((4,)), *layers], name="net"), X[:, :2]


def nested_two_deep():
    inner = tv.Sequential([tv.Input((4,)), Surrounding(3)], name="inner")
    return tv.Sequential([tv.Input((4,)), inner, Residual3(name="last")], name="net"), X[:, :2]


class Residual3(tv.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = L.Dense(2, activation="relu")

    def call(self, x):
        return self.dense(tv.ops.concatenate([x, x * 2], axis=-1))


MODELS = [residual, functional_with_a_layer_of_ones_own, two_ways, nested_two_deep]
EACH = pytest.mark.parametrize("build", MODELS, ids=lambda f: f.__name__)


def saved(model):
    file = io.BytesIO()
    model.save(file)
    return file


def loaded(file):
    with pytest.warns(UserWarning, match="is not known here.*What is loaded is the graph"):
        return tv.models.load_model(file)


def leaves(outputs):
    return list(outputs.values()) if isinstance(outputs, dict) else [outputs]


def same(a, b):
    return all(map(np.array_equal, leaves(a), leaves(b)))


@pytest.mark.parametrize("build", [residual, two_ways], ids=lambda f: f.__name__)
def test_it_is_the_model_and_trains_on_with_the_same_bits(build):
    tv.utils.set_random_seed(1)
    model, y = build()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, y, verbose=0)
    other = loaded(saved(model))
    assert isinstance(other, tv.models.CapturedModel) and other.name == "net"
    assert same(model.predict(X, verbose=0), other.predict(X, verbose=0))
    before = [v.numpy() for v in (*model.optimizer.variables, *model.weights)]
    after = [v.numpy() for v in (*other.optimizer.variables, *other.weights)]
    assert sorted(np.ravel(v).tolist() for v in before) == sorted(
        np.ravel(v).tolist() for v in after
    )
    losses = [m.fit(X, y, epochs=2, verbose=0).history["loss"] for m in (model, other)]
    np.testing.assert_allclose(*losses, rtol=1e-5)
    for a, b in zip(leaves(model(X)), leaves(other(X)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@EACH
def test_its_file_needs_no_class_either(build):
    model, _ = build()
    model(X)
    other = loaded(saved(model))
    again = tv.models.load_model(saved(other))
    assert same(again(X), model(X))


def test_it_converts_explains_and_draws_itself():
    model, _ = functional_with_a_layer_of_ones_own()
    other = loaded(saved(model))
    functional = tv.convert(other, to="functional")
    assert same(functional(X), model(X))
    assert "dense" in str(tv.explain(other))
    assert "dense" in tv.viz.diagram(other).to_svg()
    assert other.graph().nodes and other.count_params() == model.count_params()


def test_a_class_that_convert_made_is_not_missed():
    model = tv.Sequential([tv.Input((4,)), L.Dense(2)])
    other = loaded(saved(tv.convert(model, to="subclass")))
    assert same(other.predict(X, verbose=0), model.predict(X, verbose=0))


def test_with_its_class_registered_it_comes_back_as_that_class():
    model, _ = residual()
    model(X)
    known = {"Residual": Residual, "Surrounding": Surrounding, "Scale": Scale}
    other = tv.models.load_model(saved(model), custom_objects=known)
    assert type(other) is Residual and same(model(X), other(X))


def test_a_loss_that_is_not_known_leaves_the_model_uncompiled():
    def odd(y_true, y_pred):
        return tv.ops.mean(y_true - y_pred)

    model = tv.Sequential([tv.Input((4,)), L.Dense(2)])
    model.compile("sgd", odd)
    with pytest.warns(UserWarning, match="is not compiled.*'odd' is not known here"):
        other = tv.models.load_model(saved(model))
    assert same(model(X), other(X)) and not other.compiled


def test_a_function_that_no_config_holds_is_saved_as_what_it_does():
    model = tv.Sequential([tv.Input((4,)), L.Dense(2), L.Lambda(lambda x: tv.ops.tanh(x) * 2)])
    with pytest.warns(UserWarning, match="has no config, so what is saved is its graph"):
        file = saved(model)
    assert same(tv.models.load_model(file)(X), model(X))


def test_a_dict_of_inputs_is_still_told_apart_by_their_names():
    first, second = tv.Input((4,), name="wide"), tv.Input((4,), name="deep")
    model = tv.Model([first, second], L.Lambda(lambda x: x[0] - x[1])([first, second]))
    with pytest.warns(UserWarning, match="has no config, so what is saved is its graph"):
        other = tv.models.load_model(saved(model))
    data = {"wide": X, "deep": 2 * X}
    assert same(other(data), -X)
    assert same(other.predict(data, verbose=0), model.predict(data, verbose=0))
    assert same(other([X, 2 * X]), -X)
    with pytest.raises(ValueError, match="no 'wide'"):
        other({"wild": X, "deep": X})


class Counts(L.Layer):
    def build(self, input_shape):
        self.calls = self.add_weight(shape=(), trainable=False, initializer="zeros")

    def call(self, x):
        self.calls.assign_add(1.0)
        return x


def test_where_no_graph_holds_what_the_code_does_the_error_says_so():
    file = saved(tv.Sequential([tv.Input((4,)), Counts(), L.Dense(1)]))
    with pytest.raises(tv.saving.UnsafeFileError, match=r"'Counts'.*has no graph.*side effect"):
        tv.models.load_model(file)
    restored = tv.models.load_model(file, custom_objects={"Counts": Counts})
    assert restored.output_shape == (None, 1)


class Tied(L.Layer):
    """Reads the weight of a layer that the model calls, too."""

    def __init__(self, dense, **kwargs):
        super().__init__(**kwargs)
        self.dense = dense

    def call(self, x):
        return x @ tv.ops.transpose(self.dense.kernel)


def test_a_weight_that_code_reads_is_that_of_its_layer():
    x, dense = tv.Input((4,)), L.Dense(3)
    model = tv.Model(x, Tied(dense)(dense(x)))
    model.compile("adam", "mse")
    model.fit(X, X, verbose=0)
    other = loaded(saved(model))
    assert len(other.weights) == 2 and same(model(X), other(X))
    histories = [m.fit(X, X, verbose=0).history for m in (model, other)]
    assert histories[0] == histories[1] and same(model(X), other(X))


class Common(tv.Model):
    def __init__(self):
        super().__init__()
        self.first, self.second = L.Dense(4), L.Dense(4)

    def call(self, x):
        return self.second(self.first(x))


class Copies(L.Dense):
    def save_own_variables(self, store):
        store["mine"] = self.kernel.numpy()


class Doubled(tv.Model):
    def compute_loss(self, *args, **kwargs):
        return 2 * super().compute_loss(*args, **kwargs)


def test_what_no_graph_has_is_said():
    model = Common()
    model(X)
    model.second.bias = model.first.bias
    copying = tv.Sequential([tv.Input((4,)), Copies(2)])
    for one, why in ((model, "a weight in common"), (copying, "in a way of its own")):
        with pytest.raises(tv.saving.UnsafeFileError, match=rf"has no graph.*{why}"):
            tv.models.load_model(saved(one))
    x = tv.Input((4,))
    model = Doubled(inputs=x, outputs=L.Dense(2)(x))
    with pytest.warns(UserWarning, match="trains and tests without `compute_loss` of its class"):
        tv.models.load_model(saved(model))


class Dropped(L.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.second, self.first = L.Dropout(0.5), L.GaussianNoise(1.0)

    def call(self, x, training=None):
        return self.second(self.first(x, training=training), training=training)


def test_what_is_drawn_at_random_goes_on():
    model = tv.Sequential([tv.Input((4,)), Dropped(), L.Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, X[:, :1], verbose=0)
    other = loaded(saved(model))
    other = tv.models.load_model(saved(other))  # Its own file says it, too.
    histories = [m.fit(X, X[:, :1], verbose=0).history for m in (model, other)]
    assert histories[0] == histories[1] and same(model(X), other(X))
