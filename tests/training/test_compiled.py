"""Matching what `compile` was told to the outputs: where Keras gives up or goes astray, and what we do instead."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trivium as tv
from trivium.training.outputs import Outputs


def spec(*shape):
    return jax.ShapeDtypeStruct(shape or (4, 1), "float32")


def heads(outputs):
    x = tv.Input((4,), name="i")
    dense = {n: tv.layers.Dense(u, name=n)(x) for n, u in (("a", 1), ("b", 2))}
    return tv.Model(x, outputs(dense))


class Listing(tv.Model):
    """The same outputs in a list, written as a subclass."""

    def __init__(self):
        super().__init__()
        self.a, self.b = tv.layers.Dense(1, name="a"), tv.layers.Dense(2, name="b")

    def call(self, x):
        return [self.a(x), self.b(x)]


def evaluate(model, y, **compiling):
    model.compile("sgd", **compiling)
    return model.evaluate(np.ones((8, 4)), y, verbose=0, return_dict=True)


Y = [np.zeros((8, 1)), np.ones((8, 2))]


def test_outputs_in_a_list_are_named_alike_on_every_road():
    """Keras calls them by their losses where the model is a subclass, so that one hides the other."""
    said = {"loss": "mse", "metrics": [["mae"], ["mae"]]}
    names = ["a_loss", "a_mae", "b_loss", "b_mae", "loss"]
    assert list(evaluate(Listing(), Y, **said)) == names
    assert list(evaluate(heads(lambda d: [d["a"], d["b"]]), Y, **said)) == names


def test_one_layer_behind_two_outputs():
    x = tv.Input((4,))
    layer = tv.layers.Dense(4, name="z")
    model = tv.Model(x, [layer(x), layer(layer(x))])
    results = evaluate(model, [np.ones((8, 4))] * 2, loss="mse")
    assert list(results) == ["loss", "z_1_loss", "z_loss"]
    np.testing.assert_allclose(results["loss"], results["z_loss"] + results["z_1_loss"], rtol=1e-6)


@pytest.mark.parametrize(
    ("compiling", "y", "names"),
    [
        ({"loss": {"a": "mse"}}, [Y[0], Y[1]], ["loss"]),
        ({"loss": {"a": "mse"}, "metrics": {"a": ["mae"]}}, {"a": Y[0]}, ["a_mae", "loss"]),
        ({"loss": {"a": "mse", "b": "mae"}}, Y, ["a_loss", "b_loss", "loss"]),
        ({"loss": "mse", "metrics": {"b": "mae"}}, Y, ["a_loss", "b_loss", "b_mae", "loss"]),
        ({"loss": ["mse", None], "metrics": [None, "mae"]}, Y, ["b_mae", "loss"]),
    ],
)
def test_dicts_with_gaps_for_listed_outputs(compiling, y, names):
    assert list(evaluate(heads(lambda d: [d["a"], d["b"]]), y, **compiling)) == names


def test_each_value_once_in_the_list_and_in_the_order_of_the_names():
    """Keras lists a metric's value twice where two metrics have one name."""
    model = heads(lambda d: d["b"])
    model.compile("sgd", "mse", metrics=["mae", "mae"], weighted_metrics=["mae", "mse"])
    x, weight = np.ones((8, 4)), np.arange(8.0)
    listed = model.evaluate(x, Y[1], sample_weight=weight, verbose=0)
    named = model.evaluate(x, Y[1], sample_weight=weight, verbose=0, return_dict=True)
    assert model.metrics_names == ["loss", "mae", "mse", "mae_1", "weighted_mae"]
    assert listed == [named[n] for n in model.metrics_names]


def test_names_before_the_first_data():
    model = heads(lambda d: d["b"])
    assert model.metrics_names == []
    model.compile("sgd", "mse", metrics=["mae"])
    assert model.metrics_names == ["loss"]


def test_recompiling_without_metrics_drops_them():
    """Keras goes on measuring what an earlier `compile` asked for."""
    model = heads(lambda d: d["b"])
    assert list(evaluate(model, Y[1], loss="mse", metrics=["mae"])) == ["loss", "mae"]
    assert list(evaluate(model, Y[1], loss="mse")) == ["loss"]


def test_layers_learn_of_training_without_being_told():
    """Keras's subclass has to hand `training` on, or else its BatchNormalization never learns."""

    class Normal(tv.Model):
        def __init__(self):
            super().__init__()
            self.norm = tv.layers.BatchNormalization()

        def call(self, x):
            return self.norm(x)

    model = Normal()
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
    model.fit(x, x, verbose=0)
    assert model.norm.moving_mean.numpy().any()


def test_optimizers_and_losses_may_be_assigned():
    class Owning(tv.Sequential):
        def __init__(self):
            super().__init__([tv.layers.Dense(1)])
            self.loss, self.optimizer = tv.losses.MeanSquaredError(), tv.optimizers.SGD(0.5)

    model = Owning()
    assert model.optimizer.learning_rate == 0.5 and model.loss.name == "mean_squared_error"
    model.compile("adam", "mae")
    assert model.optimizer.name.startswith("adam") and model.loss == "mae"
    model.optimizer = mine = tv.optimizers.SGD(0.25)
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    assert int(mine.iterations) == 1


def test_a_loss_by_hand_before_any_fit():
    """The compiled loss matches itself to the outputs that it is shown."""
    model = heads(lambda d: {"p": d["a"], "q": d["b"]})
    model.compile("sgd", {"p": "mse", "q": "mae"}, metrics={"q": ["mse"]})
    x, y = np.ones((8, 4)), {"p": Y[0], "q": Y[1]}
    loss = model.compute_loss(x, y, model(x))
    results = model.compute_metrics(x, y, model(x))
    assert list(results) == ["loss", "p_loss", "q_loss", "q_mse"]
    np.testing.assert_allclose(loss, results["p_loss"] + results["q_loss"], rtol=1e-6)


structures = st.recursive(
    st.just("leaf"),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(st.sampled_from("pqrs"), inner, min_size=1, max_size=3)
    ),
    max_leaves=6,
)


def filled(structure, entries):
    """Put entries at the leaves, in the order of JAX."""
    tree = jax.tree_util.tree_structure(structure)
    return jax.tree_util.tree_unflatten(tree, entries)


@settings(deadline=None, max_examples=60)
@given(structures)
def test_every_form_of_targets_finds_its_outputs(structure):
    """In the outputs' structure, by their names, and in a row."""
    count = jax.tree_util.tree_structure(structure).num_leaves
    layers = [f"layer{i}" for i in range(count)]
    outputs = Outputs(filled(structure, [spec() for _ in layers]), layers)
    targets = [np.full((4, 1), i) for i in range(count)]
    assert len(set(outputs.names)) == count
    for form in (
        filled(structure, targets),
        dict(zip(outputs.names, targets, strict=True)),
        dict(zip(layers, targets, strict=True)),
        targets,
    ):
        found = outputs.targets(form)
        assert [int(t[0, 0]) for t in found] == list(range(count))
    outputs.wanted = [i % 2 == 0 for i in range(count)]
    wanted = [t for t, w in zip(targets, outputs.wanted, strict=True) if w]
    found = outputs.targets(wanted)
    assert [t is not None for t in found] == outputs.wanted
