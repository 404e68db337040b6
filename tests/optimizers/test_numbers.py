"""The numbers of every optimizer and option against the real Keras."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from trivium import optimizers
from trivium.state import Variable

STEPS = 20
SHAPES = {"kernel": (3, 4), "bias": (4,)}

FORMULAS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.5, "rho": 0.8}),
    ("RMSprop", {"centered": True}),
    ("RMSprop", {"centered": True, "momentum": 0.5, "epsilon": 1e-3}),
    ("Adam", {}),
    ("Adam", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-2}),
    ("Adam", {"amsgrad": True, "beta_2": 0.5}),
    ("AdamW", {}),
    ("AdamW", {"weight_decay": 0.1, "amsgrad": True}),
    ("Adagrad", {"initial_accumulator_value": 0.3, "epsilon": 1e-2}),
    ("Adadelta", {"rho": 0.8, "epsilon": 1e-3}),
    ("Adamax", {"beta_1": 0.8, "epsilon": 1e-2}),
    ("Nadam", {"beta_1": 0.8, "epsilon": 1e-2}),
    ("Lion", {"beta_1": 0.7}),
    ("Ftrl", {}),
    (
        "Ftrl",
        {
            "learning_rate_power": -0.3,
            "l1_regularization_strength": 0.5,
            "l2_regularization_strength": 0.1,
            "l2_shrinkage_regularization_strength": 0.1,
            "beta": 0.2,
        },
    ),
]
OPTIONS: list[dict[str, Any]] = [
    {"clipnorm": 0.5},
    {"clipnorm": 0.0},
    {"global_clipnorm": 0.5},
    {"global_clipnorm": 1e6},
    {"clipvalue": 0.1},
    {"weight_decay": 0.1},
    {"use_ema": True},
    {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3},
    {"loss_scale_factor": 8.0},
    {"gradient_accumulation_steps": 3},
    {
        "gradient_accumulation_steps": 3,
        "use_ema": True,
        "ema_momentum": 0.5,
        "ema_overwrite_frequency": 2,
        "weight_decay": 0.1,
        "clipnorm": 0.5,
        "loss_scale_factor": 0.5,
    },
]
CASES = [(name, {"learning_rate": 0.05, **kwargs}) for name, kwargs in FORMULAS] + [
    (name, {"learning_rate": 0.05, **kwargs, **options})
    for name, kwargs in (("SGD", {"momentum": 0.9}), ("Adam", {}), ("Nadam", {}))
    for options in OPTIONS
]
IDS = ["-".join([name, *(f"{k}={v}" for k, v in kwargs.items())]) for name, kwargs in CASES]


def values(seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.normal(size=shape).astype("float32") for shape in SHAPES.values()]


def gradients() -> list[list[np.ndarray]]:
    return [values(seed + 1) for seed in range(STEPS)]


def ours() -> list[Variable]:
    return [Variable(value, name=name) for name, value in zip(SHAPES, values(), strict=True)]


def theirs() -> list[Any]:
    pairs = zip(SHAPES, values(), strict=True)
    return [keras.Variable(value, name=name) for name, value in pairs]


def assert_same(mine: list[Any], oracle: list[Any]) -> None:
    assert len(mine) == len(oracle)
    for a, b in zip(mine, oracle, strict=True):
        assert a.shape == tuple(b.shape) and a.dtype == b.dtype
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(("name", "kwargs"), CASES, ids=IDS)
def test_twenty_steps_give_keras_weights_and_state(name: str, kwargs: dict[str, Any]) -> None:
    mine, oracle = getattr(optimizers, name)(**kwargs), getattr(keras.optimizers, name)(**kwargs)
    w, v = ours(), theirs()
    for g in gradients():
        mine.apply(g, w)
        oracle.apply(g, v)
    assert_same(w, v)
    # Positions too: files of optimizer state are exchanged by position.
    assert_same(mine.variables, oracle.variables)
    assert int(mine.iterations) == int(oracle.iterations)
    mine.finalize_variable_values(w)
    oracle.finalize_variable_values(v)
    assert_same(w, v)


@pytest.mark.parametrize(("name", "kwargs"), CASES, ids=IDS)
def test_the_pure_twin_gives_the_same_bits(name: str, kwargs: dict[str, Any]) -> None:
    shell, pure = getattr(optimizers, name)(**kwargs), getattr(optimizers, name)(**kwargs)
    w = ours()
    pure.build(ours())
    state, parameters = [v.value for v in pure.variables], values()
    before = jax.tree.map(jax.typeof, state)
    for g in gradients():
        shell.apply(g, w)
        parameters, state = pure.stateless_apply(state, g, parameters)
        # Neither dtypes nor shapes nor weak types may change, or a compiled loop could not carry the state.
        assert jax.tree.map(jax.typeof, state) == before
    for a, b in zip([*w, *shell.variables], [*parameters, *state], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("name", "kwargs"), CASES, ids=IDS)
def test_a_compiled_loop_gives_the_steps(name: str, kwargs: dict[str, Any]) -> None:
    shell, pure = getattr(optimizers, name)(**kwargs), getattr(optimizers, name)(**kwargs)
    w = ours()
    pure.build(w)
    stacked = [jnp.stack(g) for g in zip(*gradients(), strict=True)]

    @jax.jit
    def run(parameters: Any, state: Any) -> Any:
        def body(i: Any, carry: Any) -> Any:
            return pure.stateless_apply(carry[1], [g[i] for g in stacked], carry[0])

        return jax.lax.fori_loop(0, STEPS, body, (parameters, state))

    parameters, state = run([v.value for v in w], [v.value for v in pure.variables])
    for g in gradients():
        shell.apply(g, w)
    for a, b in zip([*w, *shell.variables], [*parameters, *state], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", sorted({name for name, _ in FORMULAS}))
def test_half_precision_variables_keep_their_dtype_and_keras_numbers(name: str) -> None:
    kwargs = {"learning_rate": 0.05, "use_ema": True}
    mine, oracle = getattr(optimizers, name)(**kwargs), getattr(keras.optimizers, name)(**kwargs)
    w = [Variable(value, dtype="bfloat16", name=n) for n, value in zip(SHAPES, values(), strict=True)]
    v = [keras.Variable(value, dtype="bfloat16") for value in values()]
    mine.build(w)
    before = jax.tree.map(jax.typeof, [x.value for x in mine.variables])
    for g in gradients()[:5]:
        g = [jnp.asarray(x, "bfloat16") for x in g]
        mine.apply(g, w)
        oracle.apply(g, v)
    assert jax.tree.map(jax.typeof, [x.value for x in mine.variables]) == before
    for a, b in zip(w, v, strict=True):
        assert a.dtype == b.dtype == "bfloat16"
        np.testing.assert_allclose(
            np.asarray(a, "float32"), np.asarray(b, "float32"), rtol=0.04, atol=0.04
        )


def test_a_learning_rate_changed_midway() -> None:
    mine, oracle = optimizers.Adam(0.1), keras.optimizers.Adam(0.1)
    w, v = ours(), theirs()
    for step, g in enumerate(gradients()):
        if step == 7:
            mine.learning_rate = oracle.learning_rate = 0.01
        mine.apply(g, w)
        oracle.apply(g, v)
    assert float(mine.learning_rate) == float(oracle.learning_rate) == np.float32(0.01)
    assert_same(w, v)


def test_constraints_are_applied_after_the_update() -> None:
    mine, oracle = optimizers.SGD(0.5, momentum=0.9), keras.optimizers.SGD(0.5, momentum=0.9)
    w, v = ours(), theirs()
    w[0].constraint = lambda x: jnp.maximum(x, 0)
    v[0].constraint = keras.constraints.NonNeg()
    for g in gradients():
        mine.apply(g, w)
        oracle.apply(g, v)
    assert np.asarray(w[0]).min() == 0.0 > np.asarray(w[1]).min()
    assert_same(w, v)


@pytest.mark.parametrize("by", ["variable", "name"])
def test_variables_excluded_from_weight_decay(by: str) -> None:
    mine, oracle = optimizers.AdamW(0.1, 0.5), keras.optimizers.AdamW(0.1, 0.5)
    w, v = ours(), theirs()
    for optimizer, variables in ((mine, w), (oracle, v)):
        if by == "variable":
            optimizer.exclude_from_weight_decay(var_list=[variables[1]])
        else:
            optimizer.exclude_from_weight_decay(var_names=["gamma", "^b"])
    for g in gradients():
        mine.apply(g, w)
        oracle.apply(g, v)
    assert_same(w, v)
    plain = ours()
    unrestricted = optimizers.AdamW(0.1, 0.5)
    for g in gradients():
        unrestricted.apply(g, plain)
    np.testing.assert_array_equal(plain[0], w[0])
    assert not np.allclose(plain[1], w[1])


@pytest.mark.parametrize("name", ["SGD", "Adam", "Nadam"])
@pytest.mark.parametrize("accumulation", [None, 2])
def test_a_missing_gradient_leaves_its_variable_alone(name: str, accumulation: int | None) -> None:
    kwargs = {"learning_rate": 0.1, "weight_decay": 0.1, "clipnorm": 1.0}
    kwargs["gradient_accumulation_steps"] = accumulation
    mine, oracle = getattr(optimizers, name)(**kwargs), getattr(keras.optimizers, name)(**kwargs)
    w, v = ours(), theirs()
    for g in gradients()[:6]:
        with pytest.warns(UserWarning, match="no gradients for the variables .'kernel'"):
            mine.apply([None, g[1]], w)
        with pytest.warns(UserWarning, match="Gradients do not exist"):
            oracle.apply([None, g[1]], v)
    assert_same(w, v)
    assert_same(mine.variables, oracle.variables)
    np.testing.assert_array_equal(w[0], values()[0])


def test_a_part_of_the_variables_in_another_order() -> None:
    mine, oracle = optimizers.Adam(0.1), keras.optimizers.Adam(0.1)
    w, v = ours(), theirs()
    mine.build(w)
    oracle.build(v)
    for g in gradients():
        mine.apply_gradients([(g[1], w[1]), (g[0], w[0])])
        oracle.apply_gradients([(g[1], v[1]), (g[0], v[0])])
        mine.apply([g[1]], [w[1]])
        oracle.apply([g[1]], [v[1]])
    assert_same(w, v)
    assert_same(mine.variables, oracle.variables)


def test_gradients_that_are_not_finite_are_not_hidden_by_the_global_norm() -> None:
    mine, oracle = (module.SGD(0.1, global_clipnorm=1.0) for module in (optimizers, keras.optimizers))
    w, v = ours(), theirs()
    g = gradients()[0]
    g[0][0, 0] = np.inf
    mine.apply(g, w)
    oracle.apply(g, v)
    assert np.isnan(np.asarray(w[1])).all() and np.isnan(np.asarray(v[1])).all()


def test_zero_gradients_are_not_made_nan_by_clipping() -> None:
    for clip in ("clipnorm", "global_clipnorm", "clipvalue"):
        w = ours()
        optimizers.SGD(0.1, **{clip: 1.0}).apply([np.zeros(s) for s in SHAPES.values()], w)
        for a, b in zip(w, values(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_ftrl_makes_exact_zeros() -> None:
    w = ours()
    ftrl = optimizers.Ftrl(0.1, l1_regularization_strength=1e3)
    for g in gradients()[:3]:
        ftrl.apply(g, w)
    assert all((np.asarray(v) == 0).all() for v in w)
