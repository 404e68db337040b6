"""Ops as programs: called like the real Keras's, recorded on symbolic tensors, and compared."""

from __future__ import annotations

import hashlib
import itertools
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from oracle import recorded

from trivium.graph import Graph, SymbolicTensor

# An array is taken for a batch, whose size a graph does not know, if its first axis has this size.
BATCH = 5

DTYPES = ["bool", "uint8", "int8", "int32", "float16", "bfloat16", "float32"]
MIXED = [
    ("bool", "float16"), ("int8", "uint8"), ("int32", "bool"), ("int32", "float16"), ("bfloat16", "int32"),
    ("float16", "bfloat16"), ("float32", "float16"),
]  # fmt: skip


def c(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """One way of calling an op."""
    return args, kwargs


def with_batch(leaves: list[Any]) -> list[int]:
    """Return the places of the arrays whose first axis is the batch."""
    arrays = [i for i, leaf in enumerate(leaves) if isinstance(leaf, np.ndarray)]
    return [i for i in arrays if leaves[i].shape[:1] == (BATCH,)]


class Recording:
    """A case called on symbolic tensors in place of its batches."""

    def __init__(self, function: Any, case: Any) -> None:
        self.function = function
        self.leaves, self.tree = jax.tree_util.tree_flatten(case)
        self.places = with_batch(self.leaves)
        self.arrays = [self.leaves[i] for i in self.places]
        self.inputs = [SymbolicTensor((None, *a.shape[1:]), a.dtype) for a in self.arrays]
        self.outputs = self.call(self.inputs)
        self.graph = Graph(self.inputs, self.outputs)

    def call(self, values: Any) -> Any:
        """Call the op with values in the places of the batches."""
        filled = list(self.leaves)
        for i, value in zip(self.places, values, strict=True):
            filled[i] = value
        args, kwargs = jax.tree_util.tree_unflatten(self.tree, filled)
        return self.function(*args, **kwargs)

    def specs(self, batch: int) -> Any:
        """The results' shapes and dtypes for a batch size."""
        arrays = [jax.ShapeDtypeStruct((batch, *a.shape[1:]), a.dtype) for a in self.arrays]
        return jax.tree_util.tree_leaves(jax.eval_shape(self.call, arrays))


class Program:
    """What a function makes of a case, whose arrays are the program's inputs."""

    def __init__(self, function: Any, case: Any) -> None:
        leaves, tree = jax.tree_util.tree_flatten(case)
        places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, np.ndarray)]
        self.arrays = [leaves[i] for i in places]

        def run(arrays: Any) -> Any:
            filled = list(leaves)
            for i, array in zip(places, arrays, strict=True):
                filled[i] = array
            args, kwargs = jax.tree_util.tree_unflatten(tree, filled)
            return function(*args, **kwargs)

        self.run = run

    @property
    def text(self) -> Any:
        """The program's text and the constants in it."""
        traced = jax.make_jaxpr(self.run)(self.arrays)
        return re.sub(r"0x[0-9a-f]+", "", str(traced)), [
            np.asarray(c).tolist() for c in traced.consts
        ]

    @property
    def hash(self) -> str:
        return hashlib.sha256(repr(self.text).encode()).hexdigest()[:16]


def run_all(programs: list[Program]) -> Any:
    """Run programs as one: compiling is what takes time."""
    inputs = [p.arrays for p in programs]
    together = jax.jit(lambda arrays: [p.run(a) for p, a in zip(programs, arrays, strict=True)])
    return [jax.tree_util.tree_leaves(r) for r in together(inputs)] if programs else []


def assert_same_numbers(ours: Any, theirs: Any, cases: Any, subgradients: bool = False) -> None:
    """Compare two functions; where their programs read the same, running ours would tell nothing more.

    Args:
        ours: A function of arrays.
        theirs: A function of Keras that returns the other one.
        cases: The arguments.
        subgradients: Whether ours is finite where Keras's is not a number.
    """

    def wanted(keras: Any) -> Any:
        programs = [Program(theirs(keras), case) for case in cases]
        return list(zip((p.hash for p in programs), run_all(programs), strict=True))

    pairs = [(Program(ours, c), w) for c, w in zip(cases, recorded(wanted), strict=True)]
    pairs = [(program, values) for program, (text, values) in pairs if program.hash != text]
    for mine, (_, values) in zip(run_all([p for p, _ in pairs]), pairs, strict=True):
        assert_same(mine, values, subgradients)


def with_gradients(function: Any) -> Any:
    """Return a function that gives what `function` gives, and the gradients of a weighted sum of it."""

    def run(*args: Any, **kwargs: Any) -> Any:
        leaves, tree = jax.tree_util.tree_flatten((args, kwargs))
        places = [
            i for i, x in enumerate(leaves) if isinstance(x, jax.Array) and x.dtype == "float32"
        ]

        def total(floats: Any) -> Any:
            filled = list(leaves)
            for i, array in zip(places, floats, strict=True):
                filled[i] = array
            a, k = jax.tree_util.tree_unflatten(tree, filled)
            results = function(*a, **k)
            parts: list[Any] = []
            for y in map(jnp.asarray, jax.tree_util.tree_leaves(results)):
                parts += [y.real, y.imag] if y.dtype == "complex64" else [y]
            floating = [p for p in parts if jnp.issubdtype(p.dtype, jnp.floating)]
            weighted = (jnp.vdot(jnp.cos(jnp.arange(p.size)), p.ravel()) for p in floating)
            return jnp.asarray(sum(weighted), "float32"), results

        return jax.grad(total, has_aux=True)([leaves[i] for i in places])

    return run


def assert_same(ours: Any, theirs: Any, subgradients: bool = False) -> None:
    """Compare; with `subgradients` ours is finite where Keras's is not a number."""
    mine, other = jax.tree_util.tree_leaves(ours), jax.tree_util.tree_leaves(theirs)
    assert len(mine) == len(other)
    for a, b in zip(mine, other, strict=True):
        if isinstance(b, str | bool | int):
            assert type(a) is type(b) and a == b
            continue
        assert jnp.shape(a) == jnp.shape(b)
        assert jnp.result_type(a) == jnp.result_type(b)
        if not jnp.issubdtype(jnp.result_type(a), jnp.inexact):
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
            continue
        if subgradients:
            assert np.all(np.isfinite(np.asarray(a)))
            a = jnp.where(jnp.isnan(b), b, a)
        tolerance = 1e-3 if jnp.result_type(a) == jnp.float16 else 1e-6
        scale = np.max(np.abs(np.asarray(b, "complex128")), initial=0.0, where=np.isfinite(b))
        np.testing.assert_allclose(
            np.asarray(a), np.asarray(b), rtol=5 * tolerance, atol=tolerance * scale
        )


def result_dtypes(function: Any, case: Any, dtypes: Any) -> Any:
    """The dtypes of an op's results where its number arrays have other dtypes; the error where it takes none such."""
    leaves, tree = jax.tree_util.tree_flatten(case)
    numbers = [
        i
        for i, x in enumerate(leaves)
        if isinstance(x, np.ndarray) and x.dtype in ("float32", "int32")
    ]

    def run(arrays: Any) -> Any:
        filled = list(leaves)
        for i, array in zip(numbers, arrays, strict=True):
            filled[i] = array
        args, kwargs = jax.tree_util.tree_unflatten(tree, filled)
        return function(*args, **kwargs)

    of_each = itertools.cycle(dtypes)
    specs = [
        jax.ShapeDtypeStruct(leaves[i].shape, dtype)
        for i, dtype in zip(numbers, of_each, strict=False)
    ]
    try:
        return [str(x.dtype) for x in jax.tree_util.tree_leaves(jax.eval_shape(run, specs))]
    except Exception as error:
        return error


def assert_symbolic(made: list[Recording]) -> None:
    """Sizes that change with the batch are unknown, all others known; and the graph is the op's own program."""
    for recording in made:
        small, large = recording.specs(BATCH), recording.specs(BATCH + 6)
        wanted = [
            (tuple(m if m == n else None for m, n in zip(a.shape, b.shape, strict=True)), a.dtype)
            for a, b in zip(small, large, strict=True)
        ]
        outputs = jax.tree_util.tree_leaves(recording.outputs)
        assert [(t.shape, jnp.dtype(t.dtype)) for t in outputs] == wanted
    arrays = (made[0].arrays,)
    assert Program(made[0].graph.run, (arrays, {})).text == Program(made[0].call, (arrays, {})).text
