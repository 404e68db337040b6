"""Effects as values: what a function reads, writes, draws and adds, found and handed back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trivium.state import SeedGenerator, StatelessScope, Variable
from trivium.state.effects import Effects, finding, purely, put_back
from trivium.state.frame import Call, entered
from trivium.state.scopes import EffectError, add_losses


def test_what_a_function_touches_is_found_without_touching_it():
    a, b, seeds = Variable([1.0, 2.0], name="a"), Variable(3.0, name="b"), SeedGenerator(1)

    def work(x):
        assert finding()
        seeds.next()
        a.assign(a + x * b)
        add_losses([jnp.sum(a.value)])
        return {"y": x * 2}

    state = np.asarray(seeds.state.value)
    effects = Effects(work, (jnp.ones(2),))
    assert effects.writes == [seeds.state, a] and effects.losses == 1
    assert {v.name for v in effects.touched} == {"a", "b", seeds.state.name}
    assert effects.result["y"].shape == (2,)
    assert a.numpy().tolist() == [1.0, 2.0] and (np.asarray(seeds.state.value) == state).all()
    assert not finding()


def test_a_pure_function_gives_its_effects_and_they_are_put_back():
    total = Variable(1.0, name="total")

    def work(x):
        total.assign_add(x)
        add_losses([x, x])
        return total.value

    [pure] = purely(work, args=(jnp.zeros(()),))
    result, values, loss = jax.jit(pure)([jnp.array(10.0)], 5.0)
    assert (float(result), float(values[0]), float(loss), float(total.value)) == (
        15.0,
        15.0,
        10.0,
        1.0,
    )
    call = Call()
    with entered(call=call):
        put_back(pure, values, loss)
    assert float(total.value) == 15.0 and [float(x) for x in call.losses] == [10.0]


def test_functions_that_stand_for_each_other_carry_the_effects_of_all():
    a, b = Variable(1.0, name="a"), Variable(2.0, name="b")
    first, second = purely(lambda: a.assign(9.0), lambda: b.assign(7.0))
    assert first.writes == second.writes == [a, b]
    assert [float(v) for v in first(first.now())[1]] == [9.0, 2.0]


def test_scopes_fall_through_to_the_outer_one():
    v, w = Variable(1.0, name="v"), Variable(2.0, name="w")
    with (
        StatelessScope([(v, jnp.array(10.0))]) as outer,
        StatelessScope([(w, jnp.array(20.0))]) as inner,
    ):
        assert (float(v.value), float(w.value)) == (10.0, 20.0)
        v.assign(11.0)
        assert float(inner.get_current_value(v)) == 11.0
        assert float(outer.get_current_value(v)) == 10.0
    assert (float(v.value), float(w.value)) == (1.0, 2.0)


def test_a_value_that_would_leak_out_of_jax_is_refused():
    v = Variable(1.0, name="v")

    def leak(x):
        v.assign(x)
        return x

    for scope in (None, StatelessScope([(v, jnp.array(1.0))])):
        for wrap in (jax.jit, jax.checkpoint, lambda f: lambda x: jax.lax.cond(x > 0, f, f, x)):
            with pytest.raises(EffectError, match="'v'"):
                if scope is None:
                    wrap(leak)(jnp.array(2.0))
                else:
                    with scope:
                        wrap(leak)(jnp.array(2.0))
    assert float(v.value) == 1.0
