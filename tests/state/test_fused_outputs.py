"""Several large arrays are computed in one loop where a program asks for it, and in no other program."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trivium import Sequential, layers, optimizers
from trivium.optimizers import transforms
from trivium.state import fused_outputs
from trivium.state.fused_outputs import can_fuse_outputs, compile_fused
from trivium.training import engine, traced

pytestmark = pytest.mark.optimized  # What XLA does with its outputs is what is asked.

IDS = np.random.default_rng(0).integers(0, 83, (48, 5))
KINDS = IDS[:, 0] % 3


def lowered():
    one = jax.ShapeDtypeStruct((83, 7), "float32")
    return jax.jit(lambda x, y: (x * 2 + y, y * 3 + x)).lower(one, one)


def joint(compiled, shape):
    """Return how many arrays of a shape the loops compute that compute several."""
    texts = [line.split(" fusion(")[0] for line in compiled.as_text().splitlines()]
    return sum(
        t.count(shape) for t in texts if "= (" in t and " while(" not in t and "tuple" not in t
    )


def test_outputs_are_fused_where_it_is_asked_for_only():
    assert can_fuse_outputs()
    both, apart = compile_fused(lowered()), lowered().compile()
    assert (joint(both, "f32[83,7]"), joint(apart, "f32[83,7]")) == (2, 0)
    x = jnp.ones((83, 7))
    assert [a[0, 0].item() for a in both(x, x)] == [3, 4]


def test_what_xla_cannot_fuse_is_compiled_without(monkeypatch):
    asked = []

    def refuses(*args, **named):
        asked.append(getattr(fused_outputs._asked, "now", False))
        if asked[-1]:
            raise jax.errors.JaxRuntimeError("UNIMPLEMENTED: multi-output host kernels")
        return original(*args, **named)

    assert can_fuse_outputs()
    original = fused_outputs._original
    monkeypatch.setattr(fused_outputs, "_original", refuses)
    run = compile_fused(lowered())
    assert asked == [True, False]
    assert run(jnp.ones((83, 7)), jnp.ones((83, 7)))[0].max() == 3


def trained(manner, optimizer, **settings):
    """Return the weights after an epoch, and the program that trained them."""
    body = [layers.Embedding(83, 7), layers.GlobalAveragePooling1D(), layers.Dense(3)]
    model = Sequential(body)
    loss = "sparse_categorical_crossentropy"
    model.compile(optimizers.get(optimizer), loss, **settings)
    if manner == "batches":
        for i in range(0, 48, 16):
            model.train_on_batch(IDS[i : i + 16], KINDS[i : i + 16])
    else:
        model.fit(IDS, KINDS, batch_size=16, verbose=0, shuffle=False)
    return [np.asarray(v) for v in model.get_weights()]


OPTIMIZERS = {
    "Adam": lambda: optimizers.Adam(0.01),
    "AdamW": lambda: optimizers.AdamW(
        0.01, amsgrad=True, global_clipnorm=0.1, use_ema=True, gradient_accumulation_steps=2
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_large_table_is_updated_with_its_slots_to_the_same_numbers(name, monkeypatch):
    import trivium

    monkeypatch.setattr(transforms, "_LARGE", 83 * 7)
    programs = []
    compiled = engine.executable
    monkeypatch.setattr(
        engine, "executable", lambda *args: programs.append(compiled(*args)) or programs[-1]
    )

    def run(manner, **settings):
        trivium.utils.set_random_seed(1)
        return trained(manner, OPTIMIZERS[name](), **settings)

    once = run("fit")
    # Both moments and the table: one loop for all of them.
    if name == "Adam":
        assert joint(programs[0].result(), "f32[83,7]") == 3
        for other in (run("fit", steps_per_execution=2), run("batches")):
            for x, y in zip(once, other, strict=True):
                assert (x == y).all()
    monkeypatch.setattr(traced, "can_fuse_outputs", lambda: False)
    plain = run("fit")
    for x, y in zip(once, plain, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)


def test_a_program_that_xla_would_end_the_process_on_is_compiled_without(monkeypatch):
    class Blanked(layers.Layer):
        def call(self, x):
            blank = x.at[jax.numpy.array([0, 2])].set(0.0)
            return jax.numpy.concatenate([blank, 2.0 * x], -1)

    monkeypatch.setattr(transforms, "_LARGE", 83 * 7)
    compiled, asked = engine.executable, []
    monkeypatch.setattr(
        engine, "executable", lambda *args: asked.append(args[1]) or compiled(*args)
    )
    for between in ([Blanked()], []):
        body = [layers.Embedding(83, 7), layers.GlobalAveragePooling1D(), *between, layers.Dense(3)]
        model = Sequential(body)
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(IDS, KINDS, batch_size=16, verbose=0)
    assert asked == [False, True]
