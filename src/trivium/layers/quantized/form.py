"""How a kernel is kept and computed with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from trivium.state import Variable
from trivium.state.types import Array

if TYPE_CHECKING:
    from trivium.layers.kernels import KernelLayer

__all__ = ["Form"]


class Form:
    """How a kernel is kept and computed with. One object for all layers: what is kept, the layer has."""

    # Whether the kernel itself stays, and something is kept besides.
    keeps_floats: ClassVar[bool] = False

    def check(self, layer: KernelLayer) -> None:
        """Refuse a layer that cannot have this form."""

    def add(self, layer: KernelLayer) -> None:
        """Make the layer's variables."""
        raise NotImplementedError

    def variables(self, layer: KernelLayer) -> list[Variable]:
        """Return them."""
        raise NotImplementedError

    def written(self, layer: KernelLayer, config: Any) -> list[Array]:
        """Return what they are for the layer's kernel as it is now, in floats."""
        raise NotImplementedError

    def outputs(self, layer: KernelLayer, inputs: Array) -> Array:
        """Return what the layer makes of its inputs."""
        raise NotImplementedError

    def shown(self, layer: KernelLayer) -> Any:
        """Return the kernel as users read it."""
        return layer._kernel

    def floats(self, layer: KernelLayer) -> Array:
        """Return the kernel in floats."""
        raise NotImplementedError
