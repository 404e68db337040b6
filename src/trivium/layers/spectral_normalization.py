"""Spectral normalization: a layer's kernel divided by its largest singular value."""

from __future__ import annotations

from typing import Any

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.checks import positive_int
from trivium.layers.registry import LAYERS
from trivium.layers.wrappers import Wrapper
from trivium.state.scopes import StatelessScope
from trivium.state.types import Array, Shape

__all__ = ["SpectralNormalization"]


@LAYERS.register()
class SpectralNormalization(Wrapper):
    """A layer whose kernel, as a matrix, is divided by its largest singular value, so that it stretches nothing.

    The singular value is found by power iteration, a step or a few for each call, which begins where the last one in
    training ended: the vector that it moves on is a weight, `vector_u`. The layer's own kernel stays what the optimizer
    makes of it.

    Args:
        layer: A layer with a weight `kernel` or `embeddings`; its last axis is the matrix's.
        power_iterations: How many steps each call takes.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `layer` is no layer.
        ValueError: `power_iterations` is no whole number above zero; when built, the layer has no such weight.

    Shapes:
        The layer's.

    Example:
        >>> import numpy as np
        >>> from trivium.layers import Dense
        >>> layer = SpectralNormalization(Dense(3, kernel_initializer="ones"))
        >>> layer(np.ones((1, 3))).round(4).tolist()
        [[1.0, 1.0, 1.0]]

    Reference:
        Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018,
        https://arxiv.org/abs/1802.05957
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self._set(power_iterations=positive_int(self, power_iterations=power_iterations))
        self.supports_masking = layer.supports_masking

    def build(self, input_shape: Shape | None = None) -> None:
        """Build the layer inside, and make the vector `vector_u`, shape `(1, size of the kernel's last axis)`."""
        super().build(input_shape)
        names = [name for name in ("kernel", "embeddings") if hasattr(self.layer, name)]
        if not names:
            raise ValueError(
                f"Layer {self.path!r} (SpectralNormalization) normalizes a weight `kernel` or `embeddings`; "
                f"{type(self.layer).__name__} has none."
            )
        self.kernel = getattr(self.layer, names[0])
        self.vector_u = self.add_weight(
            (1, self.kernel.shape[-1]), "truncated_normal", self.kernel.kept_dtype,
            trainable=False, autocast=False, name="vector_u",
        )  # fmt: skip

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Compute the layer's output with its normalized kernel; in training keep how far the power iteration got."""
        kernel, vector_u = self._normalized()
        if training:
            self.vector_u.assign(vector_u)
        # The layer reads another kernel, and what it writes goes on to where this one stands.
        with StatelessScope([(self.kernel, kernel)]) as scope:
            outputs = self.layer(inputs)
        for variable in scope.variables:
            if variable is not self.kernel:
                variable.assign(scope.get_current_value(variable))
        return outputs

    def _normalized(self) -> tuple[Array, Array]:
        """Return the normalized kernel, and where the power iteration got to."""
        matrix = ops.reshape(self.kernel.kept_value, (-1, self.kernel.shape[-1]))
        fixed, u = ops.stop_gradient(matrix), self.vector_u.value
        for _ in range(self.power_iterations):
            v = ops.normalize(u @ ops.transpose(fixed), axis=None)
            u = ops.normalize(v @ fixed, axis=None)
        sigma = v @ matrix @ ops.transpose(u)
        # A kernel of zeros has no direction: it stays, and so does the vector.
        zero = sigma == 0
        kernel = ops.reshape(matrix / ops.where(zero, 1, sigma), self.kernel.shape)
        return kernel, ops.where(zero, self.vector_u.value, u)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Return the mask that the layer inside passes on."""
        return self.layer.compute_mask(inputs, previous_mask)
