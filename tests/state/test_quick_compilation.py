"""Operations by themselves are compiled quickly, and nothing else is; what is relied on of JAX for that."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import config
from trivium.compat import run_script
from trivium.state import quick_compilation as room
from trivium.state.quick_compilation import quick_operations
from trivium.training.executables import clear_programs

pytestmark = pytest.mark.optimized  # Which options XLA gets is what is asked.

# A shape that no other test has, nor one of its axes: nothing is compiled twice.
X = np.linspace(-0.9, 0.9, 37 * 29, dtype="float32").reshape(37, 29)


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Say of each program that is compiled, by its name, whether it is quickly."""
    found: dict[str, bool] = {}
    with quick_operations():  # What stands in JAX's place does from now on.
        original = room._original

    def compile_(backend, program, devices, options, *more, **named):
        name = program.operation.attributes["sym_name"].value.removeprefix("jit_")
        found[name] = dict(options.env_option_overrides).items() >= room.OPTIONS.items()
        return original(backend, program, devices, options, *more, **named)

    monkeypatch.setattr(room, "_original", compile_)
    return found


def test_operations_by_themselves_and_on_tapes_are_quick(programs):
    with quick_operations():
        x = jnp.asarray(X)
        jnp.arccosh(x), tv.ops.softmax(x), tv.layers.LayerNormalization()(x), x[:, 3:5] + 1.5
        with tv.GradientTape() as tape:
            tape.watch(x)
            y = jnp.sinh(x) * x
        tape.gradient(y, x)
        run = jax.vmap(jnp.arctanh)(x)
    assert programs.keys() >= {"arccosh", "exp", "_lambda", "_pull", "rsqrt"}
    assert all(programs.values())
    np.testing.assert_allclose(run, np.arctanh(X), rtol=1e-5)


def test_what_somebody_compiles_what_is_large_what_loops_and_what_draws_is_not(programs):
    def whole(x):
        return jnp.cosh(x) + 1

    def before(x):
        return jnp.cosh(x) + 2

    model = tv.Sequential([tv.layers.Dense(2)])
    model.compile("adam", "mse")
    optimizer, variable = tv.optimizers.SGD(0.1), tv.Variable(X)
    with quick_operations():
        jax.jit(whole)(X), jax.jit(before).lower(X).compile()
        jnp.arcsinh(np.ones(room.LARGEST + 1, "float32"))
        jax.lax.scan(lambda a, x: (a + x, a), np.float32(0), X[0])
        jax.random.laplace(jax.random.key(1), X.shape)
        optimizer.apply_gradients([(X, variable)])
        model.fit(X, X[:, :2], verbose=0)
    named = {"whole", "before", "arcsinh", "scan", "_laplace", "_lambda", "loop"}
    assert {name for name, quick in programs.items() if not quick} >= named
    # It ends with the block.
    jnp.arccosh(X[:, 1:])
    assert programs["arccosh"] is False
    assert not config.is_quick_operations_enabled()


def test_a_program_that_is_run_has_its_operations_compiled_quickly(programs, tmp_path):
    script = tmp_path / "steps.py"
    script.write_text(
        "import tensorflow as tf\n"
        "step = tf.function(lambda x: tf.math.sinh(x) + 3)\n"
        "x = tf.ones((3, 27)); y = step(x); z = tf.math.cosh(x)\n"
    )
    run_script(script)
    assert (programs["cosh"], programs["jaxpr_as_fun"]) == (True, False)


def test_first_values_and_training_have_the_same_bits():
    def trained() -> str:
        clear_programs()
        jax.clear_caches()
        tv.utils.set_random_seed(3)
        hidden = tv.layers.Dense(5, "tanh", kernel_initializer="orthogonal")
        model = tv.Sequential([tv.Input((29,)), hidden, tv.layers.Dropout(0.5), tv.layers.Dense(2)])
        model.compile("adam", "mse")
        model.fit(X, X[:, :2], epochs=3, verbose=0)
        return model.weights_sha256()

    plain = trained()
    with quick_operations():
        assert trained() == plain
