"""An optimizer's state: its weights, variables of schedules, gradients that are values, one rate of several."""

from __future__ import annotations

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiling import compiled_count

import trivium as tv
from trivium import optimizers
from trivium.optimizers import SGD, Adam, LossScaleOptimizer, MultiOptimizer, OptimizerMap
from trivium.optimizers.schedules import LearningRateSchedule
from trivium.state import Variable

X = np.ones((4, 1), "float32")
KINDS = {
    "sgd": lambda: SGD(0.5),
    "momentum": lambda: SGD(0.5, momentum=0.5),
    "adam, averaged": lambda: Adam(0.5, use_ema=True),
    "accumulating": lambda: SGD(0.5, gradient_accumulation_steps=2),
    "schedule": lambda: Adam(optimizers.schedules.ExponentialDecay(0.5, 2, 0.5)),
    "scaled": lambda: LossScaleOptimizer(Adam(0.5), initial_scale=8.0),
    "several": lambda: MultiOptimizer(OptimizerMap(SGD(0.5), {"b": Adam(0.25)})),
    "muon": lambda: optimizers.Muon(0.5),
    "adafactor": lambda: optimizers.Adafactor(0.5),
}


def weights():
    return [Variable([[1.0, 2.0], [3.0, 5.0]], name="a"), Variable([4.0], name="b")]


def steps(optimizer, variables, count):
    for i in range(count):
        optimizer.apply([jnp.full(v.shape, 0.1 + i) for v in variables], variables)
    return [v.numpy() for v in variables]


@pytest.mark.parametrize("kind", KINDS)
def test_weights_taken_and_given_go_on_as_if_nothing_had_been(kind):
    whole = steps(KINDS[kind](), weights(), 5)
    first, variables = KINDS[kind](), weights()
    steps(first, variables, 3)
    second, store = KINDS[kind](), {}
    second.build(variables)
    second.set_weights(first.get_weights())
    first.save_own_variables(store)
    third = KINDS[kind]()
    third.build(variables)
    third.load_own_variables(store)
    for a, b, c in zip(first.get_weights(), second.get_weights(), third.get_weights(), strict=True):
        assert np.array_equal(a, b) and np.array_equal(a, c)
    for i in (3, 4):
        second.apply([jnp.full(v.shape, 0.1 + i) for v in variables], variables)
    for v, wanted in zip(variables, whole, strict=True):
        assert np.array_equal(v.numpy(), wanted)


def test_weights_that_do_not_fit_change_nothing():
    sgd = SGD(0.5, momentum=0.5)
    with pytest.raises(ValueError, match=r"call `build\(trainable_variables\)` first"):
        sgd.set_weights([])
    sgd.build(weights())
    before = sgd.get_weights()
    with pytest.raises(ValueError, match="one entry for each of the 4 variables"):
        sgd.set_weights(before[:-1])
    with pytest.raises(ValueError, match=r"shape \(3,\) for '.*b_momentum', which has \(1,\)"):
        sgd.set_weights([9, 0.1, np.ones((2, 2)), np.ones(3)])
    assert all(np.array_equal(a, b) for a, b in zip(before, sgd.get_weights(), strict=True))


# --- schedules with variables of their own


class Knob(LearningRateSchedule):
    """A rate that is set from outside."""

    def __init__(self):
        self.parts = {"rate": Variable(0.5, trainable=False, name="rate")}

    def __call__(self, step):
        return self.parts["rate"].value + 0.0 * step


class Twice(LearningRateSchedule):
    """A schedule inside of another."""

    def __init__(self, inner):
        self.inner = inner

    def __call__(self, step):
        return 2.0 * self.inner(step)


class Counting(LearningRateSchedule):
    """A rate that doubles by itself at each step."""

    def __init__(self):
        self.rate = Variable(0.125, trainable=False, name="rate")

    def __call__(self, step):
        self.rate.assign(self.rate.value * 2)
        return self.rate.value


def of_function(rate):
    return lambda step: rate.value + 0.0 * step


def of_nothing(rate):
    return lambda: rate.value


@pytest.mark.parametrize("kind", ["knob", "inside", "function", "nothing"])
@pytest.mark.parametrize("way", ["apply", "jit", "fit", "eager fit"])
def test_what_is_assigned_to_a_schedules_variable_is_seen(kind, way):
    knob = Knob()
    rate = knob.parts["rate"]
    schedule = {
        "knob": knob, "inside": Twice(knob), "function": of_function(rate), "nothing": of_nothing(rate),
    }[kind]  # fmt: skip
    scale = 2.0 if kind == "inside" else 1.0
    sgd = SGD(schedule)
    dense = tv.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    model = tv.Sequential([tv.Input((1,)), dense])
    model.compile(sgd, lambda y, p: p, run_eagerly=way == "eager fit")
    w, total = dense.kernel, 0.0
    sgd.build([w])
    jitted = jax.jit(sgd.stateless_apply)
    for value in (0.5, 0.25, 1.0):
        rate.assign(value)
        total -= value * scale
        if "fit" in way:
            model.fit(X, X, batch_size=4, verbose=0)
        elif way == "jit":
            (new,), state = jitted([v.value for v in sgd.variables], [jnp.ones((1, 1))], [w.value])
            w.assign(new)
            sgd.set_weights(state)
        else:
            sgd.apply([jnp.ones((1, 1))], [w])
        assert float(w.numpy()[0, 0]) == total
        assert float(sgd.learning_rate) == value * scale


@pytest.mark.parametrize("way", ["apply", "fit"])
def test_what_a_schedule_assigns_is_kept(way):
    sgd, w = SGD(Counting()), Variable([0.0])
    if way == "apply":
        for _ in range(3):
            sgd.apply([jnp.ones(1)], [w])
    else:
        dense = tv.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
        model = tv.Sequential([tv.Input((1,)), dense])
        model.compile(sgd, lambda y, p: p)
        model.fit(np.ones((6, 1)), np.ones((6, 1)), batch_size=2, verbose=0)
        w = dense.kernel
    assert w.numpy().item() == -(0.25 + 0.5 + 1.0)
    assert float(sgd.variables[-1].numpy()) == 1.0


# --- gradients that are the new values


def test_variables_that_are_overwritten_with_their_gradients():
    """Neither clipped, decayed nor scaled, and without a constraint."""
    scale, w = Variable([5.0], name="scale"), Variable([1.0], name="w")
    scale.overwrite_with_gradient = True
    scale.constraint = lambda x: x * 0
    adam = Adam(0.5, clipvalue=0.5, weight_decay=0.1, loss_scale_factor=4.0, use_ema=True)
    adam.apply([jnp.array([7.0]), jnp.array([8.0])], [scale, w])
    assert scale.numpy().tolist() == [7.0]
    np.testing.assert_allclose(w.numpy(), [1 - 0.05 - 0.5], rtol=1e-4)
    jitted = jax.jit(adam.stateless_apply)
    state = [v.value for v in adam.variables]
    (new, _), _ = jitted(state, [jnp.array([-3.0]), jnp.ones(1)], [scale.value, w.value])
    assert new.tolist() == [-3.0]
    adam.finalize_variable_values([scale, w])
    assert scale.numpy().tolist() == [7.0]


@pytest.mark.parametrize("wrap", ["scaled", "several", "steps"])
def test_wrapped_optimizers_overwrite_too(wrap):
    class Steps(optimizers.Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, learning_rate * gradient)

    scale, w = Variable([5.0], name="scale"), Variable([1.0], name="w")
    scale.overwrite_with_gradient = True
    optimizer = {
        "scaled": lambda: LossScaleOptimizer(SGD(0.5), initial_scale=4.0),
        "several": lambda: MultiOptimizer(OptimizerMap(SGD(0.5)), loss_scale_factor=4.0),
        "steps": lambda: Steps(0.5, loss_scale_factor=4.0),
    }[wrap]()
    optimizer.build([scale, w])
    optimizer.apply([jnp.array([7.0]), jnp.array([4.0])])
    assert scale.numpy().tolist() == [7.0] and w.numpy().tolist() == [0.5]


def test_overwritten_variables_take_the_largest_of_accumulated_steps():
    scale, w = Variable([5.0], name="scale"), Variable([1.0], name="w")
    scale.overwrite_with_gradient = True
    sgd = SGD(0.5, gradient_accumulation_steps=2)
    seen = []
    for gradient in (2.0, 9.0, 4.0, 3.0):
        sgd.apply([jnp.array([gradient]), jnp.ones(1)], [scale, w])
        seen.append((scale.numpy().item(), w.numpy().item()))
    assert seen == [(5.0, 1.0), (9.0, 0.5), (9.0, 0.5), (4.0, 0.0)]


# --- one rate for several optimizers


def pair():
    return MultiOptimizer(OptimizerMap(SGD(0.5), {".*bias": SGD(0.125)}))


def rates(optimizer):
    return {round(float(o.learning_rate), 6) for o in optimizer.optimizers}


def test_the_rate_of_several_optimizers_keeps_their_proportions():
    several = pair()
    assert float(several.learning_rate) == 0.5
    several.learning_rate = 1.0
    assert rates(several) == {1.0, 0.25}
    several.learning_rate = 0.0
    several.learning_rate = 2.0  # After a warm-up that starts at 0.
    assert rates(several) == {2.0, 0.5}
    several.optimizers[0].learning_rate = 2.0  # By itself: another proportion from now on.
    several.learning_rate = 1.0
    assert rates(several) == {1.0}
    with pytest.raises(TypeError, match="set schedules on its `optimizers`"):
        several.learning_rate = optimizers.schedules.ExponentialDecay(0.5, 2, 0.5)
    scheduled = MultiOptimizer(
        OptimizerMap(SGD(0.5), {"b": SGD(optimizers.schedules.ExponentialDecay(0.5, 2, 0.5))})
    )
    with pytest.raises(TypeError, match="are schedules or functions"):
        scheduled.learning_rate = 0.1
    assert float(scheduled.learning_rate) == 0.5
    chosen = MultiOptimizer(lambda v: SGD(0.5))
    assert not hasattr(chosen, "learning_rate")


def test_a_callback_of_ones_own_sets_the_rates_of_several_optimizers():
    """The library's own set each by itself, see tests/training/callbacks."""

    class Plan(tv.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.optimizer.learning_rate = [0.0, 1.0, 2.0][epoch]

    dense = tv.layers.Dense(1, kernel_initializer="zeros")
    model = tv.Sequential([tv.Input((1,)), dense])
    model.compile(pair(), lambda y, p: p)
    model.fit(X, X, epochs=3, verbose=0, callbacks=[Plan()])
    assert [dense.kernel.numpy().item(), dense.bias.numpy().item()] == [-3.0, -0.75]


def test_all_steps_by_hand_are_one_program():
    variable = Variable(np.ones(3, "float32"))
    optimizer, gradient = optimizers.Adam(0.1), np.ones(3, "float32")
    counts = []
    for _ in range(3):
        optimizer.apply_gradients([(gradient, variable)])
        counts.append(compiled_count())
    assert counts[1:] == counts[:1] * 2


def test_optimizers_of_a_rule_do_without_optax(monkeypatch):
    monkeypatch.setitem(sys.modules, "optax", None)  # Importing it takes a tenth of a second.
    variable = Variable([1.0])
    optimizer = SGD(0.5, momentum=0.9)
    optimizer.apply_gradients([(jnp.ones(1), variable)])
    assert variable.numpy().tolist() == [0.5]
    with pytest.raises(ImportError):
        optimizer.transformation()
