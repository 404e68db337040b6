"""Batches of a stream whose arrays differ in length: a graph's nodes and edges."""

import numpy as np
import pytest

import trivium as tv


class AddSum(tv.layers.Layer):
    """Adds the sum of all edges to each node."""

    def call(self, inputs):
        nodes, edges = inputs
        return nodes + tv.ops.sum(edges)


def model():
    nodes, edges = tv.Input((3,)), tv.Input((2,))
    made = tv.Model(
        [nodes, edges], tv.layers.Dense(1, kernel_initializer="ones")(AddSum()([nodes, edges]))
    )
    made.compile(tv.optimizers.SGD(0.002), "mse")
    return made


def graphs(sizes):
    draw = np.random.default_rng(0)
    return [
        (
            (draw.random((n, 3), "float32"), draw.random((e, 2), "float32")),
            draw.random((n, 1), "float32"),
        )
        for n, e in sizes
    ]


def by_hand(batches):
    """Return the weights after a step for each batch."""
    w, b = np.ones((3, 1)), np.zeros(1)
    for (nodes, edges), y in batches:
        x = nodes + edges.sum()
        error = x @ w + b - y
        w = w - 0.002 * 2 * x.T @ error / len(x)
        b = b - 0.002 * 2 * error.mean(0)
    return w, b


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([(4, 4), (4, 1), (4, 4)], id="one edge among many"),
        pytest.param([(4, 6), (4, 6), (4, 3), (5, 5), (5, 2)], id="more and fewer"),
    ],
)
def test_each_array_of_a_batch_is_seen_whole(sizes):
    batches = graphs(sizes)
    made = model()
    made.fit(iter(batches), verbose=0)
    w, b = by_hand(batches)
    np.testing.assert_allclose(made.get_weights()[0], w, rtol=1e-5)
    np.testing.assert_allclose(made.get_weights()[1], b, rtol=1e-5, atol=1e-6)

    told = made.evaluate(iter(batches), verbose=0)
    shown = made.predict(((x,) for x, _ in batches), verbose=0)
    wanted = np.concatenate([(x[0] + x[1].sum()) @ w + b for x, _ in batches])
    np.testing.assert_allclose(shown, wanted, rtol=1e-4)
    error = wanted - np.concatenate([y for _, y in batches])
    np.testing.assert_allclose(told, (error**2).mean(), rtol=1e-4)


def test_single_batches_may_differ_too():
    batches = graphs([(4, 6), (4, 6), (5, 2), (4, 1)])
    made, streamed = model(), model()
    losses = [made.train_on_batch(x, y) for x, y in batches]
    streamed.fit(iter(batches), verbose=0)
    for ours, theirs in zip(made.get_weights(), streamed.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert losses[0] > losses[1]
    x, y = batches[2]
    told = made.test_on_batch(x, y)
    shown = made.predict_on_batch(x)
    np.testing.assert_allclose(shown, np.asarray(made(x)), rtol=1e-6)
    np.testing.assert_allclose(told, ((shown - y) ** 2).mean(), rtol=1e-5)
    # A weight for each target.
    weights = np.arange(5.0, dtype="float32")
    weighted = made.test_on_batch(x, y, sample_weight=weights)
    np.testing.assert_allclose(weighted, (weights[:, None] * (shown - y) ** 2).mean(), rtol=1e-5)


def test_rows_of_arrays_belong_together():
    [(x, y)] = graphs([(4, 6)])
    made = model()
    for method in (made.fit, made.evaluate):
        with pytest.raises(ValueError, match=r"different numbers of samples"):
            method(x, y, verbose=0)
    with pytest.raises(ValueError, match=r"different numbers of samples"):
        made.predict(x, verbose=0)


def test_one_input_and_its_targets_have_one_length():
    made = tv.Sequential([tv.layers.Dense(1)])
    made.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"train_on_batch: the arrays have different numbers"):
        made.train_on_batch(np.ones((4, 2)), np.ones((3, 1)))
    assert not made.built
