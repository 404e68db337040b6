"""Steps by rows of large tables change what steps of the whole tables change, and are taken where that is so."""

from __future__ import annotations

import numpy as np
import pytest

import trivium as tv
from trivium import layers, optimizers
from trivium.optimizers import row_steps, transforms
from trivium.state import lookups

RNG = np.random.default_rng(0)
IDS, WANTED = RNG.integers(0, 97, (24, 3)), RNG.integers(0, 2, 24)


@pytest.fixture
def asked(monkeypatch):
    """Tables of some hundred numbers count as large; return what is put together from rows."""
    monkeypatch.setattr(transforms, "_LARGE", 200)
    made = []

    def counted(*args):
        made.append(args)
        return lookups.row_gradient(*args)

    monkeypatch.setattr(row_steps, "row_gradient", counted)
    return made


def network(table, once=True):
    numbers = tv.Input((3,), dtype="int32")
    vectors = layers.Flatten()(table(numbers))
    if not once:
        vectors = layers.Concatenate()([vectors, layers.Flatten()(table((numbers + 50) % 97))])
    return tv.Model(numbers, layers.Dense(2, activation="softmax")(vectors))


def trained(optimizer, once=True, **settings):
    tv.utils.set_random_seed(3)
    model = network(layers.Embedding(97, 4, **settings), once)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.fit(IDS, WANTED, batch_size=4, epochs=2, verbose=0)
    return model.get_weights() + [np.asarray(v) for v in optimizer.variables]


def class_of(optimizer, **changes):
    return type(optimizer.__name__, (optimizer,), changes)


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize(
    "make",
    [
        lambda: optimizers.SGD(0.5),
        lambda: optimizers.Adagrad(0.5),
        lambda: optimizers.SGD(optimizers.schedules.ExponentialDecay(0.5, 3, 0.9)),
    ],
)  # fmt: skip
def test_rows_have_the_numbers_of_the_whole_table(asked, monkeypatch, make, once):
    by_rows = trained(make(), once)
    assert len(asked) == 1 and len(asked[0][0]) == (1 if once else 2)
    monkeypatch.setattr(row_steps, "_FEW", 1 << 30)
    for mine, whole in zip(by_rows, trained(make(), once), strict=True):
        if isinstance(make(), optimizers.SGD):
            np.testing.assert_array_equal(mine, whole)
        else:  # XLA makes one rounding of a square and its sum, or two.
            np.testing.assert_allclose(mine, whole, rtol=1e-6, atol=1e-7)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (lambda: optimizers.SGD(0.1, momentum=0.9), {}),
        (lambda: optimizers.SGD(0.1, weight_decay=0.1), {}),
        (lambda: optimizers.SGD(0.1, clipnorm=0.01), {}),
        (lambda: optimizers.SGD(0.1, use_ema=True), {}),
        (lambda: optimizers.Adagrad(0.1, gradient_accumulation_steps=2), {}),
        (lambda: optimizers.Adam(0.1), {}),
        (lambda: class_of(optimizers.SGD, rule=lambda self, gradient, w, slots, **_: (-0.1 * w, slots))(0.1), {}),
        (lambda: class_of(optimizers.SGD, update_step=lambda self, g, w, rate: self.assign_sub(w, 0.1 * w))(0.1), {}),
        (lambda: class_of(optimizers.SGD, transformation=lambda self: optimizers.Adam(0.1).transformation())(0.1), {}),
        (lambda: optimizers.SGD(0.1), {"embeddings_regularizer": "l2"}),
        (lambda: optimizers.SGD(0.1), {"embeddings_constraint": "non_neg"}),
    ],
)  # fmt: skip
def test_what_changes_other_rows_goes_the_long_way(asked, make, settings):
    trained(make(), **settings)
    assert not asked


def test_several_optimizers_of_which_one_goes_by_rows(asked):
    # The others note that large arrays are one loop each, and XLA's pass for that ends the process on such a program.
    kinds = optimizers.OptimizerMap(optimizers.Adam(0.1), {".*embeddings": optimizers.Adagrad(0.5)})
    model = tv.Sequential(
        [
            tv.Input((3,), dtype="int32"),
            layers.Embedding(97, 4),
            layers.Flatten(),
            layers.Dense(99, activation="softmax"),
        ]
    )
    model.compile(optimizers.MultiOptimizer(kinds), "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.fit(IDS, WANTED, batch_size=4, verbose=0)
    assert len(asked) == 1
    changed = (model.get_weights()[0] != before[0]).any(axis=1)
    assert set(np.flatnonzero(changed)) == set(IDS.ravel())


class Taped(tv.Model):
    """Trains by a tape, in its own step."""

    def __init__(self):
        super().__init__()
        self.table, self.head = layers.Embedding(97, 4), layers.Dense(2, activation="softmax")

    def call(self, numbers):
        return self.head(layers.Flatten()(self.table(numbers)))

    def train_step(self, data):
        x, y = data
        with tv.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        grads = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables, strict=True))
        return {"loss": loss}


@pytest.mark.parametrize("manner", ["fit", "batches", "executions", "eagerly"])
def test_all_manners_of_training_have_the_same_bits(asked, manner):
    def run(model, settings):
        tv.utils.set_random_seed(3)
        model = model()
        model.compile(optimizers.Adagrad(0.5), "sparse_categorical_crossentropy", **settings)
        if manner == "batches":
            for i in range(0, 24, 4):
                model.train_on_batch(IDS[i : i + 4], WANTED[i : i + 4])
        else:
            model.fit(IDS, WANTED, batch_size=4, shuffle=False, verbose=0)
        return model.get_weights()

    settings = {"executions": {"steps_per_execution": 3}, "eagerly": {"run_eagerly": True}}
    once = run(lambda: network(layers.Embedding(97, 4)), settings.get(manner, {}))
    assert len(asked) == (
        manner != "eagerly"
    )  # A gradient that is there already is one of the whole table.
    for mine, other in zip(once, run(Taped, settings.get(manner, {})), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-7)
