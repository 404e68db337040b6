"""Logits of probabilities: what a sigmoid or softmax was taken of, kept beside the array that it gave.

A saturated probability has lost its logit: for the logit -100 the sigmoid is 0 in float32, its
logarithm has to be clipped, and the gradient of a clipped logarithm is 0, where that of the
crossentropy is -1. A network that is that wrong would stay so for good. The crossentropies look
here for the logits of the probabilities they are given and then compute from those.

Only the very array that the activation gave is known here. Whatever is done to it, be it a reshape,
gives another array, of which nothing is known and whose crossentropy is that of the numbers in it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import jax

__all__ = ["Logits", "forget_logits", "keep_logits", "logits_of", "set_logits"]


class Logits(NamedTuple):
    """What probabilities were computed of.

    Attributes:
        value: The argument of the sigmoid or softmax, in the probabilities' shape.
        axes: Along which axes the softmax was taken, counted from 0; `None` for a sigmoid.
    """

    value: Any
    axes: tuple[int, ...] | None

    def log_probabilities(self) -> jax.Array:
        """Return the logarithms of the probabilities, exact however small these are.

        Example:
            >>> import jax.numpy as jnp
            >>> Logits(jnp.array([-100.0, 100.0]), axes=(0,)).log_probabilities().tolist()
            [-200.0, 0.0]
        """
        import jax

        if self.axes is None:
            return jax.nn.log_sigmoid(self.value)
        return jax.nn.log_softmax(self.value, axis=self.axes)


# By identity, as masks are; an entry goes when its probabilities go.
_logits: dict[int, tuple[weakref.ref[Any], Logits]] = {}


def logits_of(probabilities: object) -> Logits | None:
    """Return the logits that an array of probabilities was computed of, or `None`.

    Args:
        probabilities: An array, concrete or traced.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> p = set_logits(jax.nn.sigmoid(jnp.array([-100.0])), jnp.array([-100.0]))
        >>> logits_of(p).value.tolist(), logits_of(p + 0.0)
        ([-100.0], None)
    """
    entry = _logits.get(id(probabilities)) if _logits else None
    return entry[1] if entry is not None and entry[0]() is probabilities else None


def set_logits(
    probabilities: jax.Array, value: jax.Array, axes: tuple[int, ...] | None = None
) -> jax.Array:
    """Remember the logits of probabilities, and return the probabilities.

    Args:
        probabilities: The array that a sigmoid or softmax gave.
        value: Its argument.
        axes: Along which axes the softmax was taken; `None` for a sigmoid.
    """
    key = id(probabilities)
    reference = weakref.ref(probabilities, lambda _: _logits.pop(key, None))
    _logits[key] = reference, Logits(value, axes)
    return probabilities


def keep_logits(old: object, new: jax.Array, change: Callable[[jax.Array], jax.Array]) -> jax.Array:
    """Remember for `new` what is known of `old`, of whose numbers it is made, and return `new`.

    Args:
        old: Probabilities.
        new: The same in another dtype, or with a last axis of size 1 more or less.
        change: Makes the logits of `new` of those of `old`.
    """
    known = logits_of(old)
    # A softmax along the axis that went was one of a single class: there is nothing to know.
    if known is not None and new is not old and all(a < new.ndim for a in known.axes or ()):
        set_logits(new, change(known.value), known.axes)
    return new


def forget_logits(probabilities: Any) -> Any:
    """Return an array of the same numbers of which nothing is known.

    Metrics take this: they measure the probabilities that a model gives. They could not do
    otherwise in all steps alike, since what a training step differentiates comes out of it as
    another array.

    Args:
        probabilities: An array, or any other thing, which is returned as it is.
    """
    if logits_of(probabilities) is None:
        return probabilities
    import jax.numpy as jnp

    return jnp.array(probabilities, copy=True)  # Nothing is left of the copy in a compiled program.
