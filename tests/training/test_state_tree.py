"""The state as a tree: as the real Keras gives it, and back."""

import numpy as np
import pytest

import trivium as tv

X, Y = np.ones((4, 4), "float32"), np.ones((4, 1), "float32")


def trained():
    model = tv.Sequential(
        [tv.Input((4,)), tv.layers.Dense(2, name="a"), tv.layers.Dense(1, name="b")], name="m"
    )
    model.compile(tv.optimizers.SGD(0.1, momentum=0.9, name="sgd"), "mse")
    model.fit(X, Y, verbose=0)
    return model


def test_a_tree_takes_a_training_back_and_on():
    model = trained()
    tree = model.get_state_tree("numpy_array")
    assert set(tree["trainable_variables"]["m"]) == {"a", "b"}
    assert {"iteration", "learning_rate"} <= set(tree["optimizer_variables"]["sgd"])
    model.fit(X, Y, epochs=2, verbose=0)
    after = model.weights_sha256()
    model.set_state_tree(tree)
    assert int(model.optimizer.iterations) == 1
    model.fit(X, Y, epochs=2, verbose=0)
    assert model.weights_sha256() == after


def test_arrays_in_a_tree_stay_whole():
    model = trained()
    held = model.get_state_tree()["trainable_variables"]["m"]["a"]["kernel"]
    before = np.array(held)
    model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(held, before)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.update(optimiser_variables={}), "no group 'optimiser_variables'.*optimizer"),
        (lambda t: t["trainable_variables"]["m"]["a"].pop("bias"), "no value for the variable 'm/a/bias'"),
        (lambda t: t["trainable_variables"]["m"]["a"].update(biass=0), "'m/a/biass'.*'m/a/bias'"),
        (lambda t: t["trainable_variables"]["m"]["a"].update(bias=np.ones(3)), r"shape \(3,\)"),
    ],
)  # fmt: skip
def test_a_tree_that_does_not_fit_changes_nothing(change, words):
    model = trained()
    before = model.weights_sha256()
    tree = model.get_state_tree("numpy_array")
    tree["trainable_variables"]["m"]["b"]["kernel"] += 1
    tree = dict(reversed(tree.items()))
    change(tree)
    with pytest.raises(ValueError, match=words):
        model.set_state_tree(tree)
    assert model.weights_sha256() == before
    with pytest.raises(ValueError, match="numpy_array"):
        model.get_state_tree("numpy")
