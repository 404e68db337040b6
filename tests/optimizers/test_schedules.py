"""Learning-rate schedules against the real Keras, and as an optimizer's learning rate."""

from __future__ import annotations

import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from oracle import recorded

from trivium import optimizers
from trivium.optimizers import schedules
from trivium.state import Variable, register_keras_serializable

# Keras's own `Variable.numpy` warns under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("ExponentialDecay", {"decay_steps": 7, "decay_rate": 0.5}),
    ("ExponentialDecay", {"decay_steps": 7, "decay_rate": 0.5, "staircase": True, "name": "e"}),
    ("InverseTimeDecay", {"decay_steps": 7, "decay_rate": 0.5}),
    ("InverseTimeDecay", {"decay_steps": 7, "decay_rate": 0.5, "staircase": True}),
    ("PolynomialDecay", {"decay_steps": 7}),
    ("PolynomialDecay", {"decay_steps": 7, "end_learning_rate": 0.01, "power": 2.0, "cycle": True}),
    ("PolynomialDecay", {"decay_steps": 10.0, "power": 0.5}),
    ("CosineDecay", {"decay_steps": 7}),
    ("CosineDecay", {"decay_steps": 7, "alpha": 0.2}),
    ("CosineDecay", {"decay_steps": 7, "warmup_target": 0.5, "warmup_steps": 5}),
    ("CosineDecay", {"decay_steps": 7, "warmup_target": 0.5}),
    ("CosineDecayRestarts", {"first_decay_steps": 7}),
    ("CosineDecayRestarts", {"first_decay_steps": 5, "t_mul": 1.0, "m_mul": 0.7, "alpha": 0.1}),
    ("CosineDecayRestarts", {"first_decay_steps": 5, "t_mul": 1.5, "m_mul": 0.7}),
]
CASES = [(name, {"initial_learning_rate": 0.3, **kwargs}) for name, kwargs in SCHEDULES] + [
    ("PiecewiseConstantDecay", {"boundaries": [5, 9], "values": [0.3, 0.2, 0.1]}),
    ("PiecewiseConstantDecay", {"boundaries": [6], "values": [0.3, 0.2], "name": "p"}),
]


def test_every_public_schedule_of_keras_is_here_and_tested() -> None:
    public = recorded(
        lambda keras: {n for n in dir(keras.optimizers.schedules) if not n.startswith("_")}
    )
    assert public <= set(schedules.__all__)
    wanted = {name for name, _ in CASES} | {"LearningRateSchedule", "serialize", "deserialize"}
    assert public == wanted


@pytest.mark.parametrize(("name", "kwargs"), CASES)
def test_values_and_configs_are_keras(name: str, kwargs: dict[str, Any]) -> None:
    mine = getattr(schedules, name)(**kwargs)
    steps = np.arange(40)
    if name == "CosineDecayRestarts" and mine.t_mul != 1.0:
        # At the borders of a geometric series Keras's own float32 rounds either way.
        steps = np.setdiff1d(steps, [mine.first_decay_steps, 3 * mine.first_decay_steps])

    def of_keras(keras: Any) -> Any:
        oracle = getattr(keras.optimizers.schedules, name)(**kwargs)
        # Compiled, since its eager steps are slow; but its compiled polynomials end in NaN.
        theirs = oracle if name == "PolynomialDecay" else jax.jit(oracle.__call__)
        expected = np.array([float(theirs(jnp.asarray(s, "int32"))) for s in steps])
        return expected, oracle.get_config(), keras.optimizers.schedules.serialize(oracle)

    expected, their_config, config = recorded(of_keras)
    compiled = jax.jit(mine)
    actual = np.array([compiled(jnp.asarray(s, "int32")) for s in steps])
    np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=1e-6)
    assert actual.dtype == "float32" and actual.shape == steps.shape
    np.testing.assert_allclose(mine(13), expected[steps == 13][0], rtol=2e-5, atol=1e-6)

    assert mine.get_config() == their_config
    assert schedules.serialize(mine) == config
    again = schedules.deserialize(json.loads(json.dumps(config)))
    assert type(again) is type(mine) and again.get_config() == mine.get_config()


@pytest.mark.parametrize(
    "name",
    [
        "ExponentialDecay",
        "InverseTimeDecay",
        "PolynomialDecay",
        "CosineDecay",
        "CosineDecayRestarts",
    ],
)
def test_steps_must_be_positive(name: str) -> None:
    more = {"decay_rate": 0.5} if name in ("ExponentialDecay", "InverseTimeDecay") else {}
    with pytest.raises(ValueError, match=r"decay_steps` must be greater than 0; got .*-1"):
        getattr(schedules, name)(0.1, -1, **more)


def test_piecewise_wants_one_value_more_than_boundaries() -> None:
    with pytest.raises(ValueError, match="one entry more than `boundaries`; got 1 values and 1"):
        schedules.PiecewiseConstantDecay([1], [0.1])


@pytest.mark.parametrize("accumulation", [None, 2])
def test_an_optimizer_follows_a_schedule_as_keras_does(accumulation: int | None) -> None:
    kwargs = {"decay_steps": 3, "decay_rate": 0.5, "staircase": True}

    def sgd(module: Any) -> Any:
        return module.SGD(
            module.schedules.ExponentialDecay(0.1, **kwargs),
            weight_decay=0.1,
            gradient_accumulation_steps=accumulation,
        )

    def of_keras(keras: Any) -> Any:
        oracle, v = sgd(keras.optimizers), keras.Variable(np.ones(3, "float32"))
        oracle.build([v])
        step = jax.jit(oracle.stateless_apply)
        state, value = [x.value for x in oracle.variables], v.value
        for i in range(10):
            (value,), state = step(state, [jnp.full(3, float(i))], [value])
        return value, len(oracle.variables), oracle.get_config()

    mine, w = sgd(optimizers), Variable(np.ones(3, "float32"))
    for i in range(10):
        assert float(mine.learning_rate) == pytest.approx(0.1 * 0.5 ** (i // 3))
        mine.apply([np.full(3, i, "float32")], [w])
    value, count, config = recorded(of_keras)
    np.testing.assert_allclose(w, value, rtol=1e-6)
    assert [x.name for x in mine.variables][:1] == ["iteration"]
    assert len(mine.variables) == count
    assert {**mine.get_config(), "name": ""} == {**config, "name": ""}
    again = optimizers.SGD.from_config(config)
    assert again.get_config() == config
    assert isinstance(config["learning_rate"], dict), "from_config leaves its argument alone"


def test_a_schedule_can_be_replaced_by_another_but_not_by_a_number() -> None:
    sgd = optimizers.SGD(0.5)
    w = Variable([0.0])
    sgd.apply([np.ones(1)], [w])
    sgd.learning_rate = schedules.PiecewiseConstantDecay([1], [0.25, 0.125])
    assert len(sgd.variables) == 1
    sgd.apply([np.ones(1)], [w])
    sgd.apply([np.ones(1)], [w])
    assert w.numpy().tolist() == [-0.875]
    with pytest.raises(TypeError, match="LearningRateSchedule or a function"):
        sgd.learning_rate = 0.1
    assert float(sgd.learning_rate) == 0.125


def test_an_optax_schedule_is_a_learning_rate() -> None:
    w = Variable([0.0])
    sgd = optimizers.SGD(optax.piecewise_constant_schedule(0.5, {1: 0.5}))
    for _ in range(3):
        sgd.apply([np.ones(1)], [w])
    assert w.numpy().tolist() == [-1.0]


def test_a_function_of_nothing_is_asked_at_every_step() -> None:
    rates = iter([0.5, 0.25, 0.125])
    w = Variable([0.0])
    sgd = optimizers.SGD(lambda: next(rates))
    for _ in range(3):
        sgd.apply([np.ones(1)], [w])
    assert w.numpy().tolist() == [-0.875]


def test_a_registered_function_survives_the_config() -> None:
    @register_keras_serializable("tests")
    def slow() -> float:
        return 0.125

    def of_keras(keras: Any) -> Any:
        @keras.saving.register_keras_serializable("tests", name="slow")
        def same() -> float:
            return 0.125

        return keras.optimizers.SGD(same).get_config()["learning_rate"]

    config = optimizers.SGD(slow).get_config()
    assert config["learning_rate"] == recorded(of_keras)
    assert optimizers.SGD.from_config(config).learning_rate == 0.125
    config["learning_rate"]["config"] = "tests>unknown"
    with pytest.raises(ValueError, match=r"'tests>unknown' is not known here"):
        optimizers.SGD.from_config(config)


def test_an_abstract_schedule_says_what_it_lacks() -> None:
    with pytest.raises(NotImplementedError, match="must define `__call__"):
        schedules.LearningRateSchedule()(0)
    with pytest.raises(NotImplementedError, match="must define `get_config"):
        schedules.LearningRateSchedule().get_config()


def test_a_schedule_of_ones_own() -> None:
    class Warm(schedules.LearningRateSchedule):
        def __call__(self, step: Any) -> Any:
            return 0.5 * jnp.minimum(1.0, (step + 1) / 2)

    w = Variable([0.0])
    adam = optimizers.SGD(Warm())
    for _ in range(2):
        adam.apply([np.ones(1)], [w])
    assert w.numpy().tolist() == [-0.75]
