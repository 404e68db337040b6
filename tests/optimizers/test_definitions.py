"""Optimizers and schedules against their papers, written out in NumPy, where the real Keras gives other numbers."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trivium import optimizers
from trivium.optimizers import schedules
from trivium.state import Variable

RNG = np.random.default_rng(0)
GRADIENTS = RNG.normal(size=(7, 3, 2))
START = RNG.normal(size=(3, 2))


def run(optimizer, gradients=GRADIENTS, excluded=False):
    variable, seen = Variable(START.astype("float32"), name="kernel"), []
    if excluded:
        optimizer.exclude_from_weight_decay(var_names=["kernel"])
    for g in gradients:
        optimizer.apply([jnp.asarray(g, "float32")], [variable])
        seen.append(variable.numpy())
    return np.array(seen)


def lamb(rate, decay, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """You et al. 2020, algorithm 2: the ratio is that of the whole step, its decay included."""
    m, v, w = 0.0, 0.0, START.copy()
    for t, g in enumerate(GRADIENTS, 1):
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
        r = m / (1 - beta_1**t) / (np.sqrt(v / (1 - beta_2**t)) + epsilon) + decay * w
        w = w - rate * np.linalg.norm(w) / np.linalg.norm(r) * r
        yield w


def schedule_free(rate, decay, warmup, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Defazio et al. 2024, algorithm 1, with the bias corrected in v, as in the authors' program."""
    x, y, z, v, total = START, START, START, 0.0, 0.0
    for t, g in enumerate(GRADIENTS, 1):
        v = beta_2 * v + (1 - beta_2) * g**2
        now = rate * (min(1.0, t / warmup) if warmup else 1.0)
        z = z - now * (g / (np.sqrt(v / (1 - beta_2**t)) + epsilon) + decay * y)
        total += now**2
        x = x + now**2 / total * (z - x)
        y = (1 - beta_1) * z + beta_1 * x
        yield y


@pytest.mark.parametrize("decay", [None, 0.3])
def test_lamb(decay):
    wanted = list(lamb(0.1, decay or 0.0))
    ours = run(optimizers.Lamb(0.1, weight_decay=decay))
    np.testing.assert_allclose(ours, wanted, rtol=2e-4, atol=2e-5)
    excluded = run(optimizers.Lamb(0.1, weight_decay=decay), excluded=True)
    np.testing.assert_allclose(excluded, list(lamb(0.1, 0.0)), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("decay", [None, 0.3])
@pytest.mark.parametrize("warmup", [0, 1, 4, 20])
def test_schedule_free(decay, warmup):
    ours = run(optimizers.ScheduleFreeAdamW(0.1, weight_decay=decay, warmup_steps=warmup))
    wanted = list(schedule_free(0.1, decay or 0.0, warmup))
    np.testing.assert_allclose(ours, wanted, rtol=2e-4, atol=2e-5)


def test_a_variance_is_not_below_zero():
    """Of equal gradients of any size, the mean square less the square of the mean may round to below 0."""
    sizes = np.random.default_rng(0).uniform(1, 1e4, (1, 3, 2))
    ours = run(optimizers.RMSprop(1e-9, centered=True), np.repeat(sizes, 300, axis=0))
    assert np.all(np.isfinite(ours))


@pytest.mark.parametrize("factor", [1.0, 1.1, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("first", [7, 100, 1000])
def test_each_period_of_the_cosine_begins_at_its_height(factor, first):
    """Loshchilov & Hutter 2017, equation 5, at the first two steps of each period."""
    schedule = schedules.CosineDecayRestarts(1.0, first, t_mul=factor, m_mul=0.5, alpha=0.0)
    compiled = jax.jit(jax.vmap(schedule))
    steps, wanted, start, length = [], [], 0.0, float(first)
    for n in range(8):
        for step in (math.ceil(start - 1e-9), math.ceil(start - 1e-9) + 1):
            steps.append(step)
            wanted.append(0.5**n * (1 + math.cos(math.pi * (step - start) / length)) / 2)
        start, length = start + length, length * factor
    for got in (compiled(jnp.array(steps)), [float(schedule(jnp.asarray(s))) for s in steps]):
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-4)
