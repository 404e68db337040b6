"""A model's kernels in fewer bits: which of its layers are quantized, all or none of them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from trivium.layers.base import Layer
from trivium.layers.kernels import KernelLayer
from trivium.quantizers.configs import config_of

__all__ = ["Filters", "quantize_model"]

Filters: TypeAlias = str | Sequence[str] | Callable[[Layer], bool] | None


def quantize_model(
    model: Any, mode: str | None, config: Any, filters: Filters, type_check: bool
) -> None:
    """Quantize the layers of a model that have a kernel: see `Model.quantize`.

    Args:
        model: The model.
        mode: The mode, or `None`.
        config: The config, or `None`.
        filters: Which layers.
        type_check: Whether to leave the user's own classes as they are.
    """
    where = f"Model {model.name!r}"
    chosen = config_of(mode, config, where)
    if not model.built:
        raise ValueError(
            f"{where} cannot be quantized: it is not built. Call it on data, or `build(input_shape)`, first."
        )
    fits = _filter(filters, where)
    found, left = [], []
    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, KernelLayer) and fits(layer):
            try:
                layer._check_quantizable(chosen, type_check)
            except NotImplementedError as error:
                left.append(str(error))
                continue
            found.append(layer)
    for reason in left:
        warnings.warn(f"{reason} It stays as it is.", stacklevel=4)
    if not found:
        warnings.warn(
            f"{where}: no layer has been quantized. Of those that `filters` takes, none has a kernel that "
            f"{chosen.mode!r} is for.",
            stacklevel=4,
        )
    for layer in found:
        layer.quantize(chosen.mode, type_check=type_check, config=chosen)


def _filter(filters: Filters, where: str) -> Callable[[Layer], bool]:
    if filters is None:
        return lambda layer: True
    if callable(filters):
        return filters
    patterns = [filters] if isinstance(filters, str) else filters
    if not isinstance(patterns, Sequence) or not all(isinstance(p, str) for p in patterns):
        raise TypeError(
            f"{where}: `filters` is a regular expression for layers' names, a list of them, or a function of a layer; "
            f"got {filters!r}."
        )
    return lambda layer: any(re.search(p, layer.name) for p in patterns)
