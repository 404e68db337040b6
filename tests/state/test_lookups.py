"""What is known of a gradient while it is traced: which rows of a table it has."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trivium.state.lookups import lookups_of, row_gradient

TABLE = jnp.arange(40.0).reshape(10, 4)
IDS = jnp.array([[3, 3, 1], [9, 0, 3]])


def found(function, table=TABLE):
    """Return how many lookups are seen in the gradient of a function of a table; `None` where they are not."""
    seen = []

    def step(t):
        gradient = jax.grad(function)(t)
        seen.append(lookups_of(gradient))
        return gradient

    jax.make_jaxpr(step)(table)
    return None if seen[0] is None else len(seen[0])


def take(table, numbers):
    return jnp.take(table, numbers, axis=0, mode="fill", fill_value=0)


@pytest.mark.parametrize(
    ("function", "count"),
    [
        (lambda t: jnp.sum(take(t, IDS) ** 2), 1),
        (lambda t: jnp.sum(t[IDS]), 1),
        (lambda t: jnp.sum(take(t, IDS) * 2) + jnp.sum(jnp.tanh(take(t, IDS[0]))), 2),
        (lambda t: jnp.sum(t[IDS]) + jnp.sum(t[0] ** 2) * 0 + jnp.sum(t[IDS + 1]), None),
        (lambda t: jnp.sum(take(t, IDS)) + jnp.sum(t**2), None),  # a penalty on all
        (lambda t: jnp.sum(take(2 * t, IDS)), None),
        (lambda t: jnp.sum(t[:, IDS[0]]), None),  # columns
        (lambda t: jnp.sum(jnp.take(t, IDS, axis=0, mode="clip")), None),
        (lambda t: jnp.sum(take(t.astype("bfloat16"), IDS)), None),
        (lambda t: jnp.sum(take(t, IDS) @ t.T), None),  # the table once more
        (lambda t: jnp.sum(t), None),
        (lambda t: 1.0, None),
    ],
)  # fmt: skip
def test_lookups_are_seen_and_nothing_else(function, count):
    assert found(function) == count


def test_of_values_nothing_is_known():
    assert lookups_of(jax.grad(lambda t: jnp.sum(take(t, IDS)))(TABLE)) is None
    assert lookups_of(np.ones(3)) is None


def test_rows_are_summed_as_in_a_gradient_of_the_whole_table():
    rng = np.random.default_rng(0)
    for _ in range(40):
        ids = rng.integers(-3, 13, (2, 9))
        rows = rng.normal(size=(2, 9, 2)).astype("float32")
        whole = sum(
            jnp.zeros((10, 2)).at[jnp.where(a < 0, 10, a)].add(b, mode="drop")
            for a, b in zip(ids, rows, strict=True)
        )
        pairs = [(jnp.asarray(a), jnp.asarray(b)) for a, b in zip(ids, rows, strict=True)]
        places, values = row_gradient(pairs, 10)
        inside = places[places < 10].tolist()
        assert len(set(inside)) == len(inside)
        np.testing.assert_array_equal(jnp.zeros((10, 2)).at[places].add(values, mode="drop"), whole)


def test_small_integers_need_not_hold_the_number_of_rows():
    ids = jnp.array([7, 2, 7, -1], "int8")
    places, values = row_gradient([(ids, jnp.ones((4, 1)))], 300)
    assert places.tolist() == [2, 7, 300, 300] and values.ravel().tolist() == [1, 2, 1, 0]
