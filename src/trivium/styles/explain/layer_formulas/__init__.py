"""What each layer computes, as a formula of its input and its weights. Importing it fills the registry."""

from trivium.styles.explain.layer_formulas import (
    activations,
    core,
    merging,
    normalization,
    regularization,
    windows,
)

__all__ = ["activations", "core", "merging", "normalization", "regularization", "windows"]
