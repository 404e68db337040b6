"""Optax transformations as optimizers, and our optimizers as optax transformations."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from trivium import optimizers
from trivium.state import Variable

TRANSFORMATIONS = {
    "sgd": optax.sgd(0.1),
    "adam": optax.adam(0.1),
    "chain": optax.chain(optax.clip_by_global_norm(0.5), optax.adamw(0.1, weight_decay=0.1)),
    "schedule": optax.rmsprop(optax.cosine_decay_schedule(0.1, 10)),
    "noise, with a random key in its state": optax.noisy_sgd(0.1, key=3),
    "steps": optax.MultiSteps(optax.adam(0.1), 2).gradient_transformation(),
    "masked": optax.masked(optax.sgd(0.1, 0.9), lambda p: [x.ndim > 1 for x in p]),
    "keeps the parameters": optax.contrib.schedule_free_sgd(0.1),
}


def values() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.normal(size=s).astype("float32") for s in ((3, 4), (4,))]


def gradient(i: int) -> list[np.ndarray]:
    random = np.random.default_rng(i + 1)
    return [random.normal(size=s).astype("float32") for s in ((3, 4), (4,))]


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_a_transformation_is_accepted_as_it_is(name: str) -> None:
    transformation = TRANSFORMATIONS[name]
    optimizer = optimizers.get(transformation)
    w = [Variable(v, name=n) for v, n in zip(values(), ("kernel", "bias"), strict=True)]
    optimizer.build(w)
    before = jax.tree.map(jax.typeof, [v.value for v in optimizer.variables])

    parameters: Any = [jnp.asarray(v) for v in values()]
    state = transformation.init(parameters)

    @jax.jit
    def step(g: Any, state: Any, parameters: Any) -> Any:
        updates, state = transformation.update(g, state, parameters)
        return optax.apply_updates(parameters, updates), state

    for i in range(6):
        optimizer.apply(gradient(i), w)
        parameters, state = step(gradient(i), state, parameters)
    for a, b in zip(w, parameters, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert jax.tree.map(jax.typeof, [v.value for v in optimizer.variables]) == before
    assert int(optimizer.iterations) == 6

    def body(i: Any, carry: Any) -> Any:
        return optimizer.stateless_apply(carry[1], carry[0], carry[0])

    everything = [v.value for v in w], [v.value for v in optimizer.variables]
    jax.jit(lambda c: jax.lax.fori_loop(0, 3, body, c), donate_argnums=0)(everything)


def test_state_has_readable_names() -> None:
    optimizer = optimizers.get(optax.adam(0.1))
    optimizer.build(
        [Variable(v, name=n) for v, n in zip(values(), ("kernel", "bias"), strict=True)]
    )
    assert [v.name for v in optimizer.variables] == [
        "iteration", "count", "kernel_mu", "bias_mu", "kernel_nu", "bias_nu",
    ]  # fmt: skip


def test_common_options_work_around_a_transformation() -> None:
    w = [Variable([0.0])]
    optimizer = optimizers.OptaxOptimizer(optax.sgd(0.5), clipvalue=1.0, use_ema=True)
    for _ in range(2):
        optimizer.apply([np.full(1, 9.0)], w)
    assert w[0].numpy().tolist() == [-1.0]
    optimizer.finalize_variable_values(w)
    np.testing.assert_allclose(w[0], [-0.505])
    with pytest.raises(ValueError, match="add_decayed_weights"):
        optimizers.OptaxOptimizer(optax.sgd(0.5), weight_decay=0.1)


def test_the_learning_rate_of_injected_hyperparameters() -> None:
    inner = optax.chain(optax.clip(1.0), optax.inject_hyperparams(optax.sgd)(learning_rate=0.5))
    optimizer, w = optimizers.get(inner), [Variable([0.0])]
    optimizer.apply([np.ones(1)], w)
    optimizer.learning_rate = 0.25
    optimizer.apply([np.ones(1)], w)
    assert w[0].numpy().tolist() == [-0.75]
    assert float(optimizer.learning_rate) == 0.25


def test_what_a_transformation_cannot_do() -> None:
    optimizer = optimizers.get(optax.sgd(0.5))
    with pytest.raises(AttributeError, match="inject_hyperparams"):
        optimizer.learning_rate  # noqa: B018
    assert not hasattr(optimizer, "learning_rate")
    with pytest.raises(NotImplementedError, match="has no config"):
        optimizer.get_config()
    with pytest.raises(TypeError, match="still to be called"):
        optimizers.OptaxOptimizer(optax.adam)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"optax.adam\(1e-3\)"):
        optimizers.get(optax.adam)
    w = [Variable([0.0], name="a"), Variable([0.0], name="b")]
    optimizer.build(w)
    with pytest.raises(ValueError, match="needs a gradient for every variable"):
        optimizer.apply([np.ones(1)], w[:1])


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam", "Nadam", "Ftrl"])
def test_our_optimizers_are_transformations(name: str) -> None:
    optimizer = getattr(optimizers, name)(0.1)
    w = [Variable(v) for v in values()]
    optimizer.build(w)
    chain = optax.chain(optax.identity(), optimizer.transformation())
    tree = {"dense": {"kernel": values()[0], "bias": values()[1]}}
    state = chain.init(tree)

    @jax.jit
    def step(tree: Any, state: Any, g: Any, i: Any) -> Any:
        updates, state = chain.update(g, state, tree, learning_rate=0.1, step=i)
        return optax.apply_updates(tree, updates), state

    for i in range(4):
        kernel, bias = gradient(i)
        optimizer.apply([kernel, bias], w)
        tree, state = step(tree, state, {"dense": {"kernel": kernel, "bias": bias}}, i)
    np.testing.assert_allclose(w[0], tree["dense"]["kernel"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(w[1], tree["dense"]["bias"], rtol=1e-6, atol=1e-6)
