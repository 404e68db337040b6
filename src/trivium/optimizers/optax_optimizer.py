"""Optax's own transformations as optimizers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import jax

from trivium.optimizers.arguments import UndecayedArguments
from trivium.optimizers.optimizer import Optimizer
from trivium.optimizers.registration import is_transformation, registry
from trivium.optimizers.transforms import flatten
from trivium.state import Variable

if TYPE_CHECKING:
    import optax

__all__ = ["OptaxOptimizer"]


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)


@registry.register()
class OptaxOptimizer(Optimizer):
    """Any optax gradient transformation as an optimizer.

    The transformation sees the parameters as a list, in the order of the model's trainable
    variables. Its learning rate is its own; one made with `optax.inject_hyperparams` has it in its
    state, where `learning_rate` reads and sets it.

    Args:
        transformation: The transformation, e.g. `optax.adam(1e-3)` or an `optax.chain`.
        **common: The arguments of every optimizer but `weight_decay`; see `Optimizer`.

    Raises:
        TypeError: `transformation` is something else.
        ValueError: A common argument is out of its range.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> w = Variable([1.0])
        >>> OptaxOptimizer(optax.sgd(0.5)).apply([jnp.ones(1)], [w])
        >>> w.numpy().tolist()
        [0.5]

    Reference:
        DeepMind et al., "The DeepMind JAX Ecosystem", 2020,
        https://github.com/google-deepmind/optax
    """

    def __init__(
        self,
        transformation: optax.GradientTransformation,
        **common: Unpack[UndecayedArguments],
    ) -> None:
        if not is_transformation(transformation):
            raise TypeError(
                f"An optax transformation has `init` and `update`; got {transformation!r}. "
                "Is it a function that is still to be called, as in `optax.adam(1e-3)`?"
            )
        if "weight_decay" in common:
            raise ValueError(
                "The learning rate that `weight_decay` needs is the transformation's own: put "
                "`optax.add_decayed_weights` into the transformation."
            )
        super().__init__(0.0, **common)
        self._inner = transformation
        self._key_types: list[Any] = []
        self._state = self._state._replace(learning_rate=None)

    def transformation(self) -> optax.GradientTransformationExtraArgs:
        """Return the transformation; random keys in its state are plain integers."""
        import optax

        def init(params: Any) -> Any:
            leaves, structure = flatten(self._inner.init(params))
            self._key_types = [
                jax.random.key_impl(leaf) if _is_key(leaf) else None for leaf in leaves
            ]
            return structure.unflatten(
                [jax.random.key_data(leaf) if _is_key(leaf) else leaf for leaf in leaves]
            )

        def update(updates: Any, state: Any, params: Any, **_: Any) -> tuple[Any, Any]:
            if any(g is None for g in updates):
                raise ValueError(
                    f"{self.name!r} is an optax transformation, which needs a gradient for every "
                    "variable: give zeros, or train fewer variables."
                )
            leaves, structure = flatten(state)
            leaves = [
                leaf if impl is None else jax.random.wrap_key_data(leaf, impl=impl)
                for leaf, impl in zip(leaves, self._key_types, strict=True)
            ]
            updates, state = self._inner.update(updates, structure.unflatten(leaves), params)
            data = [
                jax.random.key_data(leaf) if _is_key(leaf) else leaf
                for leaf in jax.tree.leaves(state)
            ]
            return updates, structure.unflatten(data)

        return optax.GradientTransformationExtraArgs(init, update)

    @property
    def learning_rate(self) -> Variable:
        """The learning rate, where `optax.inject_hyperparams` put it into the state."""
        leaves = jax.tree_util.tree_leaves_with_path(self._state.slots)
        found = [leaf for path, leaf in leaves if getattr(path[-1], "key", None) == "learning_rate"]
        if len(found) != 1:
            raise AttributeError(
                f"The learning rate of {self.name!r} is inside its optax transformation. To read "
                "and set it, make the transformation with `optax.inject_hyperparams`, as in "
                "`optax.inject_hyperparams(optax.adam)(learning_rate=1e-3)`, and build it."
            )
        variable: Variable = found[0]
        return variable

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.learning_rate.assign(learning_rate)

    def get_config(self) -> dict[str, Any]:
        """Raise an error: a transformation is functions, which no config can hold."""
        raise NotImplementedError(
            f"{self.name!r} is an optax transformation, made of functions, and has no config: "
            "compile the loaded model with the transformation again."
        )
