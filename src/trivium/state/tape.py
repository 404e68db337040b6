"""Gradient tapes: code is run, what it computes is noted, and gradients are asked for afterwards.

A tape knows arrays by their identity. An operation that takes one which is watched, or follows from one, is noted with
the function that takes gradients back through it; nothing else is. So arrays inside of a tape are arrays as ever.

Reference:
    https://www.tensorflow.org/guide/autodiff (the manner of writing)
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

import jax
import jax.numpy as jnp

from trivium.state.frame import current_frame, entered
from trivium.state.recording import Backward, differentiable, recorded_by
from trivium.state.reverse_mode import Node, carried_back
from trivium.state.variable import Variable

__all__ = ["GradientTape"]

UNCONNECTED = ("none", "zero")


class GradientTape:
    """Notes what is computed in a `with` block, and gives gradients of it.

    Trainable variables that are read inside are watched by themselves; arrays are where `watch` says so. Code inside
    runs as it would without the tape: it may branch on values, print them, call layers, models, ops and JAX's
    functions. A tape works in plain Python, inside `jax.jit` and in a step that `fit` compiles; tapes nest, and the
    outer one takes gradients of gradients. A function of `jax.jit` that JAX compiled before reads no variables any
    more: those that it closes over have no gradients then, so give it their values as arguments.

    Args:
        persistent: Whether gradients can be asked for more than once.
        watch_accessed_variables: Whether trainable variables that are read are watched by themselves.

    Example:
        >>> x = jnp.array(3.0)
        >>> with GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = x * x if x > 0 else -x
        >>> float(y), float(tape.gradient(y, x))
        (9.0, 6.0)
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watches_read = watch_accessed_variables
        self._open: list[contextlib.ExitStack] = []
        self._recording = False
        self._used = False
        self._forget()

    def _forget(self) -> None:
        # What is watched, or follows from what is. Held, so that no other array gets the identity of one of them.
        self._known: dict[int, jax.Array] = {}
        self._nodes: list[Node] = []
        # Variables that are watched; the arrays that each was read as, in another dtype say; and whose each array is.
        self._variables: dict[int, Variable] = {}
        self._values: dict[int, list[jax.Array]] = {}
        self._owner: dict[int, int] = {}

    # -- recording ----------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._open:
            raise ValueError(
                "This GradientTape is recording already: a tape stands in one `with` block at a time."
            )
        with contextlib.ExitStack() as stack:
            stack.enter_context(recorded_by(self))
            stack.enter_context(entered(tapes=(*current_frame().tapes, self)))
            self._open.append(stack.pop_all())
        self._recording = True
        return self

    def __exit__(self, *exc: Any) -> None:
        self._recording = False
        self._open.pop().__exit__(*exc)

    def wanted(self, inputs: Sequence[Any]) -> tuple[int, ...]:
        """Return the places of the inputs that are watched, or follow from what is."""
        if not self._recording:
            return ()
        # Asked of each operation: it is what code costs inside of a tape that has nothing to do with what is watched.
        known = self._known
        return tuple([i for i, x in enumerate(inputs) if id(x) in known])

    def heard(
        self, inputs: Sequence[Any], outputs: Sequence[Any], backward: Backward
    ) -> Sequence[Any]:
        """Note an operation, and return its outputs."""
        fresh = []
        for x in outputs:
            # JAX gives an input back as it came where a function does nothing with it, and one array twice where two
            # results are equal. Each of them has gradients of its own.
            x = jnp.array(x, copy=True) if id(x) in self._known else x
            if differentiable(x.dtype):
                self._known[id(x)] = x
            fresh.append(x)
        self._nodes.append(Node(tuple(map(id, inputs)), tuple(map(id, fresh)), backward))
        return fresh

    def is_another(self, variable: Variable, value: jax.Array) -> bool:
        """Say whether an array is known to the tape as something else than the value of this variable."""
        return id(value) in self._known and self._owner.get(id(value)) != id(variable)

    def note_read(self, variable: Variable, value: jax.Array) -> None:
        """Take note of what a variable is read as."""
        if not self._recording:
            return
        if self._watches_read and variable.trainable:
            self._variables.setdefault(id(variable), variable)
        # An array that was noted already is this variable's own: of what is another's `read_on` gives a copy.
        if id(variable) not in self._variables or id(value) in self._owner:
            return
        if differentiable(value.dtype):
            self._known[id(value)] = value
            self._owner[id(value)] = id(variable)
            self._values.setdefault(id(variable), []).append(value)

    def watch(self, tensor: Any) -> None:
        """Take gradients by an array or a variable, too.

        Args:
            tensor: An array of floats, a variable, or nested lists of such. Arrays of whole numbers have no gradients.

        Raises:
            TypeError: Something else was given.

        Example:
            >>> x, y = jnp.ones(2), jnp.zeros(2)
            >>> with GradientTape() as tape:
            ...     tape.watch([x, y])
            ...     z = x * y
            >>> [g.tolist() for g in tape.gradient(z, [x, y])]
            [[0.0, 0.0], [1.0, 1.0]]
        """
        for x in jax.tree_util.tree_leaves(tensor):
            if isinstance(x, Variable):
                self._variables.setdefault(id(x), x)
            elif not isinstance(x, jax.Array):
                raise TypeError(
                    f"`watch` takes arrays and variables; got {x!r}, a {type(x).__name__}. Make an array of it first, "
                    "and compute with that: the tape knows it by its identity."
                )
            elif differentiable(x.dtype):
                self._known[id(x)] = x

    def watched_variables(self) -> tuple[Variable, ...]:
        """Return the variables that are watched, in the order in which they were read first.

        Example:
            >>> v = Variable(2.0)
            >>> with GradientTape() as tape:
            ...     y = v * v
            >>> [w is v for w in tape.watched_variables()]
            [True]
        """
        return tuple(self._variables.values())

    @contextlib.contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Note nothing while the `with` block lasts.

        Example:
            >>> x = jnp.array(3.0)
            >>> with GradientTape() as tape:
            ...     tape.watch(x)
            ...     with tape.stop_recording():
            ...         scale = x * x
            ...     y = scale * x
            >>> float(tape.gradient(y, x))
            9.0
        """
        before, self._recording = self._recording, False
        try:
            yield
        finally:
            self._recording = before

    def reset(self) -> None:
        """Forget all that was noted and watched; the tape goes on from here.

        Example:
            >>> x = jnp.array(3.0)
            >>> with GradientTape() as tape:
            ...     tape.watch(x)
            ...     y = x * x
            ...     tape.reset()
            >>> tape.gradient(y, x) is None
            True
        """
        self._forget()
        self._used = False

    # -- gradients ----------------------------------------------------------------------------------------------

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: str = "none",
    ) -> Any:
        """Return the gradients of the sum of some arrays by others.

        Args:
            target: What to take gradients of: an array, or nested lists and dicts of arrays, which are summed.
            sources: What to take them by: watched arrays and variables, or anything computed from such on the way,
                nested in any way.
            output_gradients: What each target's elements count in the sum, arrays of the targets' shapes; ones by
                default.
            unconnected_gradients: `"none"` gives `None` for a source that no target depends on, `"zero"` zeros.

        Returns:
            An array for each source, in the structure of `sources`.

        Raises:
            RuntimeError: A tape that is not persistent was asked before.
            ValueError: The arguments do not fit each other.

        Example:
            >>> w = Variable([1.0, 2.0])
            >>> with GradientTape() as tape:
            ...     loss = jnp.sum(w * w)
            >>> tape.gradient(loss, w).tolist()
            [2.0, 4.0]
        """
        zeros = _zeros_wanted(unconnected_gradients)
        targets = jax.tree_util.tree_leaves(target)
        given = [None] * len(targets)
        if output_gradients is not None:
            given = jax.tree_util.tree_leaves(output_gradients, is_leaf=lambda x: x is None)
        if len(given) != len(targets):
            raise ValueError(
                f"`output_gradients` has {len(given)} arrays, and there are {len(targets)} targets."
            )
        leaves, structure = jax.tree_util.tree_flatten(sources)
        with self._asked():
            ends = [self._array(t, "target") for t in targets]
            seeds = [
                _seed(end, g) if differentiable(end.dtype) else None
                for end, g in zip(ends, given, strict=True)
            ]
            sought = [self._identities(s) for s in leaves]
            found = carried_back(self._nodes, ends, seeds, sought)
            found = _filled(found, leaves) if zeros else found
        return jax.tree_util.tree_unflatten(structure, found)

    def jacobian(
        self,
        target: Any,
        sources: Any,
        unconnected_gradients: str = "none",
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """Return the derivatives of each element of an array by each element of others.

        Args:
            target: An array.
            sources: What to take them by, nested in any way.
            unconnected_gradients: `"none"` gives `None` for a source that the target does not depend on, `"zero"`
                zeros.
            parallel_iterations: Kept for TensorFlow's signature; all elements go back side by side.
            experimental_use_pfor: Likewise.

        Returns:
            For each source an array of the target's shape followed by the source's.

        Raises:
            RuntimeError: A tape that is not persistent was asked before.

        Example:
            >>> x = jnp.array([1.0, 2.0])
            >>> with GradientTape() as tape:
            ...     tape.watch(x)
            ...     y = x * x
            >>> tape.jacobian(y, x).tolist()
            [[2.0, 0.0], [0.0, 4.0]]
        """
        zeros = _zeros_wanted(unconnected_gradients)
        leaves, structure = jax.tree_util.tree_flatten(sources)
        with self._asked():
            end = self._array(target, "target")
            rows = _unit_rows((end.size, *end.shape), end.dtype)
            found = [
                None if rows_of is None else rows_of.reshape(*end.shape, *rows_of.shape[1:])
                for rows_of in self._rows(end, rows, leaves)
            ]
            found = _filled(found, leaves, end.shape) if zeros else found
        return jax.tree_util.tree_unflatten(structure, found)

    def batch_jacobian(
        self,
        target: Any,
        source: Any,
        unconnected_gradients: str = "none",
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """Return the derivatives of each sample's targets by the same sample's sources.

        Args:
            target: An array of shape `(samples, ...)`, each sample of which depends on the source's sample alone.
            source: An array of shape `(samples, ...)`.
            unconnected_gradients: `"none"` gives `None` where there is no way from one to the other, `"zero"` zeros.
            parallel_iterations: Kept for TensorFlow's signature.
            experimental_use_pfor: Likewise.

        Returns:
            An array of shape `(samples, *target.shape[1:], *source.shape[1:])`.

        Raises:
            RuntimeError: A tape that is not persistent was asked before.
            ValueError: The numbers of samples differ.

        Example:
            >>> x = jnp.array([[1.0, 2.0], [3.0, 4.0]])
            >>> with GradientTape() as tape:
            ...     tape.watch(x)
            ...     y = x * x
            >>> tape.batch_jacobian(y, x).tolist()
            [[[2.0, 0.0], [0.0, 4.0]], [[6.0, 0.0], [0.0, 8.0]]]
        """
        zeros = _zeros_wanted(unconnected_gradients)
        if not target.ndim or not len(source.shape) or target.shape[0] != source.shape[0]:
            raise ValueError(
                "`batch_jacobian` takes a target and a source with the same number of samples on their first axes; "
                f"got the shapes {target.shape} and {source.shape}."
            )
        samples, *own = target.shape
        with self._asked():
            end = self._array(target, "target")
            size = math.prod(own)
            # Samples do not touch each other, so all of them go back in one row.
            rows = _unit_rows((size, 1, *own), end.dtype)
            rows = jnp.broadcast_to(rows, (size, samples, *own))
            (found,) = self._rows(end, rows, [source])
            whole = (samples, *own, *source.shape[1:])
            if found is None:
                return jnp.zeros(whole, source.dtype) if zeros else None
            return jnp.moveaxis(found, 0, 1).reshape(whole)

    # -- the way back -------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _asked(self) -> Iterator[None]:
        """Let a question be answered: once, and without noting the answer, where the tape is not persistent."""
        if self._persistent:
            yield
            return
        if self._used:
            raise RuntimeError(
                "A GradientTape gives one set of gradients, and forgets. Ask for all of them in one call, or make it "
                "with `persistent=True`."
            )
        # While a persistent tape records, its own answers are noted, too: they have gradients in turn.
        self._recording = False
        yield
        # Not reached by an error: a question that was refused may be asked again, in other words.
        self._used = True
        self._forget()

    def _array(self, x: Any, what: str) -> jax.Array:
        value = x.value if isinstance(x, Variable) else x
        if not isinstance(value, jax.Array):
            raise TypeError(
                f"A {what} is an array or a variable; got {x!r}, a {type(x).__name__}, which no tape can follow."
            )
        return value

    def _identities(self, source: Any) -> list[int]:
        """Return the identities of the arrays that a source is, or was read as."""
        if isinstance(source, Variable):
            return [id(value) for value in self._values.get(id(source), [])]
        return [id(self._array(source, "source"))]

    def _rows(
        self, end: jax.Array, rows: jax.Array, sources: Iterable[Any]
    ) -> list[jax.Array | None]:
        """Return, for each source, the gradients that several weights of one target's elements give."""
        identities = [self._identities(s) for s in sources]
        # The list of operations is walked once, by all rows side by side.
        found: list[jax.Array | None] = jax.vmap(
            lambda row: carried_back(self._nodes, [end], [row], identities)
        )(rows)
        return found


# One program, where NumPy's way of writing would be six for each shape.
@functools.partial(jax.jit, static_argnums=(0, 1), inline=True)
def _unit_rows(shape: tuple[int, ...], dtype: Any) -> jax.Array:
    """Return, for each element of an array, an array of zeros with a one in its place."""
    return jnp.eye(shape[0], dtype=dtype).reshape(shape)


def _seed(end: jax.Array, given: Any) -> jax.Array:
    if given is None:
        return jnp.ones_like(end)
    seed = jnp.asarray(given.value if isinstance(given, Variable) else given, end.dtype)
    if seed.shape != end.shape:
        raise ValueError(
            f"`output_gradients` has the shape {seed.shape} for a target of shape {end.shape}."
        )
    return seed


def _filled(
    found: list[jax.Array | None], sources: list[Any], outer: tuple[int, ...] = ()
) -> list[jax.Array | None]:
    """Return gradients with zeros in the places of those that are none."""
    return [
        jnp.zeros((*outer, *s.shape), s.dtype) if g is None else g
        for g, s in zip(found, sources, strict=True)
    ]


def _zeros_wanted(unconnected: Any) -> bool:
    name = str(getattr(unconnected, "value", unconnected)).lower()
    if name not in UNCONNECTED:
        raise ValueError(f"`unconnected_gradients` is one of {UNCONNECTED}; got {unconnected!r}.")
    return name == "zero"
