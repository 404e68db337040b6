"""The numbers of every optimizer and option against the real Keras."""

from __future__ import annotations

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import recorded

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
    ("Lamb", {"beta_1": 0.8, "epsilon": 1e-2}),
    ("Adafactor", {}),
    ("Adafactor", {"beta_2_decay": -0.5, "epsilon_2": 1e-2, "clip_threshold": 0.5}),
    ("Muon", {}),
    ("Muon", {"nesterov": False, "rms_rate": None, "ns_steps": 3, "adam_lr_ratio": 0.5}),
    ("Muon", {"exclude_layers": ["kern"], "weight_decay": None, "adam_weight_decay": 0.1}),
    ("ScheduleFreeAdamW", {}),
    ("ScheduleFreeAdamW", {"beta_1": 0.7, "epsilon": 1e-4}),
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
# The options work on whatever formula: all of them with one, the last with formulas that keep other state.
CASES = (
    [(name, {"learning_rate": 0.05, **kwargs}) for name, kwargs in FORMULAS]
    + [("Adam", {"learning_rate": 0.05, **options}) for options in OPTIONS]
    + [(name, {"learning_rate": 0.05, **OPTIONS[-1]}) for name in ("SGD", "Nadam", "Ftrl")]
)
IDS = ["-".join([name, *(f"{k}={v}" for k, v in kwargs.items())]) for name, kwargs in CASES]


WRAPPERS = {"LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"}  # test_wrappers.py has them.


def test_every_public_optimizer_of_keras_is_here_and_tested() -> None:
    def of_keras(keras: Any) -> Any:
        public = {n for n in dir(keras.optimizers) if not n.startswith("_")} - {"legacy"}
        return public, {n for n in public if inspect.isclass(getattr(keras.optimizers, n))}

    public, classes = recorded(of_keras)
    assert public <= set(optimizers.__all__)
    assert classes == {name for name, _ in FORMULAS} | WRAPPERS | {"Optimizer"}


def values(seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.normal(size=shape).astype("float32") for shape in SHAPES.values()]


def gradients() -> list[list[np.ndarray]]:
    return [values(seed + 1) for seed in range(STEPS)]


def ours() -> list[Variable]:
    return [Variable(value, name=name) for name, value in zip(SHAPES, values(), strict=True)]


def theirs(keras: Any) -> list[Any]:
    pairs = zip(SHAPES, values(), strict=True)
    return [keras.Variable(value, name=name) for name, value in pairs]


def applied(keras: Any, optimizer: Any, ready: Any = None, steps: int = STEPS) -> Any:
    """Return the variables after steps of Keras's optimizer, before which `ready(optimizer, variables)` runs."""
    v = theirs(keras)
    if ready is not None:
        ready(optimizer, v)
    for g in gradients()[:steps]:
        optimizer.apply(g, v)
    return [x.value for x in v]


def assert_same(mine: list[Any], oracle: list[Any]) -> None:
    assert len(mine) == len(oracle)
    for a, b in zip(mine, oracle, strict=True):
        assert a.shape == tuple(b.shape) and a.dtype == b.dtype
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=2e-5, atol=2e-6)


def stepped(keras: Any, name: str, kwargs: dict[str, Any]) -> Any:
    """Return the variables, the optimizer's, its steps and the final variables of Keras after all gradients.

    Compiled, since its eager steps are slow.
    """
    optimizer, variables = getattr(keras.optimizers, name)(**kwargs), theirs(keras)
    optimizer.build(variables)
    parameters = [v.value for v in variables]
    state = [v.value for v in optimizer.variables]
    step = jax.jit(optimizer.stateless_apply)
    for g in gradients():
        parameters, state = step(state, g, parameters)
    pairs = zip([*variables, *optimizer.variables], [*parameters, *state], strict=True)
    for variable, value in pairs:
        variable.assign(value)
    optimizer.finalize_variable_values(variables)
    return parameters, state, int(optimizer.iterations), [v.value for v in variables]


@pytest.mark.parametrize(("name", "kwargs"), CASES, ids=IDS)
def test_shell_twin_loop_and_keras_agree(name: str, kwargs: dict[str, Any]) -> None:
    mine, w = getattr(optimizers, name)(**kwargs), ours()
    mine.build(w)
    first = [x.value for x in w], [x.value for x in mine.variables]

    parameters, state = first
    for g in gradients():
        mine.apply(g, w)
        parameters, state = mine.stateless_apply(state, g, parameters)
        # Neither dtype nor shape nor weak type may change, or no compiled loop could carry the state.
        assert jax.tree.map(jax.typeof, state) == jax.tree.map(jax.typeof, first[1])
    for a, b in zip([*w, *mine.variables], [*parameters, *state], strict=True):
        np.testing.assert_array_equal(a, b)

    stacked = [jnp.stack(g) for g in zip(*gradients(), strict=True)]

    def body(i: Any, carry: Any) -> Any:
        return mine.stateless_apply(carry[1], [g[i] for g in stacked], carry[0])

    parameters, state = jax.jit(lambda carry: jax.lax.fori_loop(0, STEPS, body, carry))(first)
    for a, b in zip([*w, *mine.variables], [*parameters, *state], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)

    v, their_state, iterations, final = recorded(lambda keras: stepped(keras, name, kwargs))
    assert_same(w, v)
    # By position: that is how files keep optimizer state.
    assert_same(mine.variables, their_state)
    assert int(mine.iterations) == iterations
    mine.finalize_variable_values(w)
    assert_same(w, final)


@pytest.mark.parametrize("name", sorted({name for name, _ in FORMULAS}))
def test_half_precision_variables_stay_so_and_train(name: str) -> None:
    half, full = (getattr(optimizers, name)(0.05, use_ema=True) for _ in range(2))
    w = [Variable(value, dtype="bfloat16", name="w") for value in values()]
    v = ours()
    half.build(w)
    before = jax.tree.map(jax.typeof, [x.value for x in half.variables])
    for g in gradients()[:5]:
        half.apply(g, w)
        full.apply(g, v)
    assert jax.tree.map(jax.typeof, [x.value for x in half.variables]) == before
    for a, b in zip(w, v, strict=True):
        assert a.dtype == "bfloat16"
        np.testing.assert_allclose(np.asarray(a, "float32"), b, rtol=0.03, atol=0.03)


def test_a_learning_rate_changed_midway() -> None:
    def run(optimizer: Any, variables: Any) -> Any:
        for step, g in enumerate(gradients()):
            if step == 7:
                optimizer.learning_rate = 0.01
            optimizer.apply(g, variables)
        return float(optimizer.learning_rate), [v.value for v in variables]

    rate, w = run(optimizers.Adam(0.1), ours())
    their_rate, v = recorded(lambda keras: run(keras.optimizers.Adam(0.1), theirs(keras)))
    assert rate == their_rate == np.float32(0.01)
    assert_same(w, v)


def test_constraints_are_applied_after_the_update() -> None:
    mine, w = optimizers.SGD(0.5, momentum=0.9), ours()
    w[0].constraint = lambda x: jnp.maximum(x, 0)
    for g in gradients():
        mine.apply(g, w)

    def of_keras(keras: Any) -> Any:
        def constrain(optimizer: Any, v: Any) -> None:
            v[0].constraint = keras.constraints.NonNeg()

        return applied(keras, keras.optimizers.SGD(0.5, momentum=0.9), constrain)

    v = recorded(of_keras)
    assert np.asarray(w[0]).min() == 0.0 > np.asarray(w[1]).min()
    assert_same(w, v)


@pytest.mark.parametrize("by", ["variable", "name"])
def test_variables_excluded_from_weight_decay(by: str) -> None:
    def exclude(optimizer: Any, variables: Any) -> None:
        if by == "variable":
            optimizer.exclude_from_weight_decay(var_list=[variables[1]])
        else:
            optimizer.exclude_from_weight_decay(var_names=["gamma", "^b"])

    mine, w = optimizers.AdamW(0.1, 0.5), ours()
    exclude(mine, w)
    for g in gradients():
        mine.apply(g, w)
    assert_same(
        w, recorded(lambda keras: applied(keras, keras.optimizers.AdamW(0.1, 0.5), exclude))
    )
    plain = ours()
    unrestricted = optimizers.AdamW(0.1, 0.5)
    for g in gradients():
        unrestricted.apply(g, plain)
    np.testing.assert_array_equal(plain[0], w[0])
    assert not np.allclose(plain[1], w[1])


@pytest.mark.parametrize(
    ("name", "options"),
    [("SGD", {}), ("Adam", {"gradient_accumulation_steps": 2}), ("Nadam", {"use_ema": True})],
)
def test_a_missing_gradient_leaves_its_variable_alone(name: str, options: dict[str, Any]) -> None:
    kwargs = {"learning_rate": 0.1, "weight_decay": 0.1, "clipnorm": 1.0, **options}
    mine, w = getattr(optimizers, name)(**kwargs), ours()
    for g in gradients()[:3]:
        with pytest.warns(UserWarning, match="no gradients for the variables .'kernel'"):
            mine.apply([None, g[1]], w)

    def of_keras(keras: Any) -> Any:
        oracle, v = getattr(keras.optimizers, name)(**kwargs), theirs(keras)
        for g in gradients()[:3]:
            with pytest.warns(UserWarning, match="Gradients do not exist"):
                oracle.apply([None, g[1]], v)
        return [x.value for x in v], [x.value for x in oracle.variables]

    v, state = recorded(of_keras)
    assert_same(w, v)
    assert_same(mine.variables, state)
    np.testing.assert_array_equal(w[0], values()[0])


def test_a_part_of_the_variables_in_another_order() -> None:
    def run(optimizer: Any, v: Any) -> Any:
        optimizer.build(v)
        for g in gradients():
            optimizer.apply_gradients([(g[1], v[1]), (g[0], v[0])])
            optimizer.apply([g[1]], [v[1]])
        return [x.value for x in v], [x.value for x in optimizer.variables]

    w, mine = run(optimizers.Adam(0.1), ours())
    v, state = recorded(lambda keras: run(keras.optimizers.Adam(0.1), theirs(keras)))
    assert_same(w, v)
    assert_same(mine, state)


def test_gradients_that_are_not_finite_are_not_hidden_by_the_global_norm() -> None:
    def run(optimizer: Any, v: Any) -> Any:
        g = gradients()[0]
        g[0][0, 0] = np.inf
        optimizer.apply(g, v)
        return [x.value for x in v]

    w = run(optimizers.SGD(0.1, global_clipnorm=1.0), ours())
    v = recorded(lambda keras: run(keras.optimizers.SGD(0.1, global_clipnorm=1.0), theirs(keras)))
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
