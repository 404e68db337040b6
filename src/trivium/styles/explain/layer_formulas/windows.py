"""Windows that slide: convolutions and pooling; and what changes the size of what they slide over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trivium import layers
from trivium.styles.explain.formulas import Call, register_formula
from trivium.styles.explain.layer_formulas.activations import activated
from trivium.styles.explain.notation import at, plus

__all__: list[str] = []

# Letters for positions and for offsets within a window, all of which have small forms in Unicode.
_PLACES, _OFFSETS = "ijk", "uvt"


def _spatial(call: Call) -> list[Any]:
    """Return the sizes of the input along the axes that a window slides over."""
    sizes = call.in_sizes
    return sizes[:-1] if call.layer.data_format == "channels_last" else sizes[1:]


def _padding(call: Call, size: Any, window: int, stride: int) -> str:
    """Return how many cells lie before the first, by the rule of `same`: as evenly as possible."""
    if isinstance(size, int):
        count = -(-size // stride)
        return str(max((count - 1) * stride + window - size, 0) // 2)
    return str((window - 1) // 2) if stride == 1 else "p"


def _sum_of(*parts: str) -> str:
    """Return a sum without the zeros and ones that say nothing."""
    kept = [p for p in parts if p not in ("", "0", "-0")]
    return "".join(p if i == 0 or p.startswith("-") else f"+{p}" for i, p in enumerate(kept)) or "0"


def _times(factor: int, letter: str) -> str:
    return letter if factor == 1 else f"{factor}{letter}"


def _cells(call: Call, windows: Any, strides: Any, dilation: Any) -> list[str]:
    """Return the indices of the input's cells that a window at one place looks at."""
    sizes, cells = _spatial(call), []
    for axis, (window, stride, gap) in enumerate(zip(windows, strides, dilation, strict=True)):
        reach = gap * (window - 1) + 1
        before = "0"
        if call.layer.padding == "same":
            before = _padding(call, sizes[axis], reach, stride)
        elif call.layer.padding == "causal":
            before = str(reach - 1)
        cells.append(
            _sum_of(
                _times(stride, _PLACES[axis]),
                _times(gap, _OFFSETS[axis]) if window > 1 else "",
                f"-{before}",
            )
        )
    return cells


def _ranges(windows: Any) -> list[str]:
    """Return what runs under a sum or maximum: the offsets within the window."""
    used = [(letter, n) for letter, n in zip(_OFFSETS, windows, strict=False) if n > 1]
    if len({n for _, n in used}) == 1:
        return [f"0 \\leq {','.join(letter for letter, _ in used)} < {used[0][1]}"]
    return [rf"0 \leq {letter} < {n}" for letter, n in used]


def _sums(ranges: list[str]) -> str:
    return "".join(rf"\sum_{{{r}}} " for r in ranges)


@register_formula(layers.Conv1D, layers.Conv2D, layers.Conv3D)
def _conv(call: Call) -> str:
    layer, x = call.layer, call.x
    kernel = call.weight("kernel", "W")
    places = list(_PLACES[: layer.rank])
    cells = _cells(call, layer.kernel_size, layer.strides, layer.dilation_rate)
    offsets = [u if n > 1 else "0" for u, n in zip(_OFFSETS, layer.kernel_size, strict=False)]
    total = _sums([*_ranges(layer.kernel_size), "l"])
    slid = rf"{kernel} \ast {x}"
    term = f"{at(kernel, *offsets, 'l', 'm')} {at(x, *cells, 'l')}"
    call.where(f"{at(slid, *places, 'm')} = {total}{term}")
    _window_notes(call)
    if layer.groups > 1:
        call.note(f"in {layer.groups} groups of channels, each with filters of its own")
    return activated(call, plus(slid, call.weight("bias", "b")))


def _window_notes(call: Call) -> None:
    if call.layer.padding == "same":
        call.note("zeros around")
    if call.layer.padding == "causal":
        call.note("zeros before the first step")
    if call.layer.data_format == "channels_first":
        call.note("channels first")


@register_formula(layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D)
def _max_pool(call: Call) -> str:
    return _pool(call, "maxpool", r"\max_{{{}}} ".format, "")


@register_formula(layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D)
def _average_pool(call: Call) -> str:
    count = 1
    for n in call.layer.pool_size:
        count *= n
    return _pool(call, "avgpool", r"\sum_{{{}}} ".format, rf"\frac{{1}}{{{count}}} ")


def _pool(call: Call, name: str, over: Callable[[str], str], factor: str) -> str:
    layer, x = call.layer, call.x
    places = list(_PLACES[: layer.rank])
    cells = _cells(call, layer.pool_size, layer.strides, [1] * layer.rank)
    ranges = ", ".join(_ranges(layer.pool_size))
    call.where(rf"{at(call.y, *places, 'm')} = {factor}{over(ranges)}{at(x, *cells, 'm')}")
    if layer.padding == "same":
        call.note("windows over the edge count what is inside")
    if layer.data_format == "channels_first":
        call.note("channels first")
    return rf"\operatorname{{{name}}}_{{{_by(layer.pool_size)}}}\left({x}\right)"


def _by(sizes: Any) -> str:
    return r"\times ".join(map(str, sizes))


def _global(call: Call) -> tuple[str, str]:
    places = ",".join(_PLACES[: call.layer.rank])
    return places, at(call.x, places)


@register_formula(layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D)
def _global_max(call: Call) -> str:
    places, cell = _global(call)
    return rf"\max_{{{places}}} {cell}"


@register_formula(
    layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D
)
def _global_average(call: Call) -> str:
    places, cell = _global(call)
    if call.masks:
        counts = at(call.masks[0], places)
        return rf"\frac{{\sum_{{{places}}} {counts} {cell}}}{{\sum_{{{places}}} {counts}}}"
    count = r" \cdot ".join(call.notation.size(d) for d in _spatial(call))
    return rf"\frac{{1}}{{{count}}} \sum_{{{places}}} {cell}"


@register_formula(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)
def _zero_padding(call: Call) -> str:
    call.note(f"zeros around: {call.layer.padding}, before and after along each axis")
    return rf"\operatorname{{pad}}\left({call.x}\right)"


@register_formula(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D)
def _cropping(call: Call) -> str:
    call.note(f"the margins {call.layer.cropping} cut off, before and after along each axis")
    return rf"\operatorname{{crop}}\left({call.x}\right)"


@register_formula(layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D)
def _up_sampling(call: Call) -> str:
    layer = call.layer
    sizes = [layer.size] if layer.rank == 1 else list(layer.size)
    name = rf"\operatorname{{up}}_{{{_by(sizes)}}}\left({call.x}\right)"
    if getattr(layer, "interpolation", "nearest") != "nearest":
        call.note(f"{layer.interpolation} interpolation")
        return name
    places = list(_PLACES[: layer.rank])
    cells = [rf"\lfloor {p}/{n} \rfloor" for p, n in zip(places, sizes, strict=True)]
    call.where(rf"{at(call.y, *places, 'm')} = {at(call.x, *cells, 'm')}")
    return name
