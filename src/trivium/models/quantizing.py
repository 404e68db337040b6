"""A model's kernels in fewer bits: which of its layers are quantized, all or none of them."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from trivium.layers.base import Layer
from trivium.layers.kernels import KernelLayer
from trivium.quantizers.configs import QuantizationConfig, config_of
from trivium.state.dtype_policies import DTypePolicy

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
    found: list[tuple[KernelLayer, DTypePolicy]] = []
    left = []
    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, KernelLayer) and fits(layer):
            try:
                found.append((layer, layer._check_quantizable(chosen, type_check)))
            except NotImplementedError as error:
                left.append(str(error))
    # All are computed before any is taken: a quantizer of the user's may fail.
    taking = [_taking(layer, chosen, policy) for layer, policy in found]
    for reason in left:
        warnings.warn(f"{reason} It stays as it is.", stacklevel=4)
    if not found:
        warnings.warn(
            f"{where}: no layer has been quantized. Of those that `filters` takes, none has a kernel that "
            f"{chosen.mode!r} is for.",
            stacklevel=4,
        )
    for take in taking:
        take()


def _taking(
    layer: KernelLayer, config: QuantizationConfig, policy: DTypePolicy
) -> Callable[[], None]:
    """Return what quantizes a layer that can be; a class of the user's may have a way of its own."""
    if type(layer).quantize is KernelLayer.quantize:
        return layer._quantized(config, policy)
    return functools.partial(layer.quantize, config.mode, type_check=False, config=config)


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
