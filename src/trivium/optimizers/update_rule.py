"""The formula that turns a gradient into an update, in one of the three ways in which it can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from trivium.optimizers import transforms
from trivium.optimizers.transforms import SlotGroups, Slots
from trivium.state import Variable
from trivium.state.types import Array

if TYPE_CHECKING:
    import optax

__all__ = ["UpdateRule"]


class UpdateRule:
    """The part of `Optimizer` that a subclass defines: one of `rule`, `transformation` and `update_step`."""

    # Whether `rule` takes `decay`, the weight decay of the parameter: where the formula says where it goes.
    _decay_in_rule: ClassVar[bool] = False

    def slots(self) -> SlotGroups:
        """Return the names and first values of what `rule` keeps for each parameter.

        They come in groups: all parameters' slots of one group lie before those of the next.
        """
        return ()

    def rule(
        self, gradient: Array, parameter: Array, slots: Slots, learning_rate: Array, step: Array
    ) -> tuple[Array, Slots]:
        """Return what is added to one parameter, and its slots after it.

        Args:
            gradient: The gradient, of the parameter's shape and dtype.
            parameter: The parameter.
            slots: The arrays kept for it, by name.
            learning_rate: The learning rate, in the parameter's dtype.
            step: The number of updates made before, an int32.

        Returns:
            The update and the new slots.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define `rule`, `transformation` or `update_step`."
        )

    def update_step(self, gradient: Array, variable: Variable, learning_rate: Array) -> None:
        """Update one variable by assigning to it.

        Args:
            gradient: The gradient, of the variable's shape and dtype.
            variable: The variable.
            learning_rate: The learning rate.
        """
        raise NotImplementedError

    def transformation(self) -> optax.GradientTransformationExtraArgs:
        """Return the formula as an optax transformation.

        Its `update` wants the extra arguments `learning_rate` and `step`. Clipping, weight decay
        and the like are not part of it.

        Example:
            >>> import jax.numpy as jnp, optax
            >>> from trivium.optimizers import SGD
            >>> sgd = SGD(momentum=0.9).transformation()
            >>> w, g = {"w": jnp.ones(2)}, {"w": jnp.ones(2)}
            >>> updates, _ = sgd.update(g, sgd.init(w), w, learning_rate=0.5, step=0)
            >>> optax.apply_updates(w, updates)["w"].tolist()
            [0.5, 0.5]
        """
        return transforms.from_rule(self.rule, self.slots())

    @property
    def _assigns(self) -> bool:
        """Whether the formula is an `update_step`, which assigns to variables."""
        return type(self).update_step is not UpdateRule.update_step

    @property
    def _by_rule(self) -> bool:
        """Whether the formula is a `rule`, for each parameter by itself."""
        return not self._assigns and type(self).transformation is UpdateRule.transformation

    def _formula(self) -> transforms.Formula | optax.GradientTransformationExtraArgs:
        """Return `transformation()`; where it is that of `rule`, what does the same without optax."""
        if type(self).transformation is UpdateRule.transformation:
            return transforms.of_rule(self.rule, self.slots())
        return self.transformation()
