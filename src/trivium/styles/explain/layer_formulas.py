"""What each layer computes, as a formula of its input and its weights."""

from __future__ import annotations

from typing import Any

from trivium import layers, ops
from trivium.styles.explain.formulas import Call, register_formula
from trivium.styles.explain.notation import number, words

__all__: list[str] = []

# Letters for positions and for offsets within a window, all of which have small forms in Unicode.
_PLACES, _OFFSETS = "ijk", "uvt"
_STILL = "acts only in training"


def _plus(*terms: str) -> str:
    return " + ".join(t for t in terms if t)


def _at(symbol: str, *indices: str) -> str:
    return rf"\left[{symbol}\right]_{{{','.join(indices)}}}"


def _activated(call: Call, inner: str, slope: str = "") -> str:
    """Return the layer's activation of `inner`, whose derivative with respect to the input is `slope`."""
    function = call.layer.activation
    if slope and len(call.in_sizes) == 1:
        factor = call.derivative(function, inner)
        linear = call.apply(function, "z") == "z"
        call.jacobian(slope if linear else f"{factor} {slope}" if factor else "")
    return call.apply(function, inner)


@register_formula(layers.Dense)
def _dense(call: Call) -> str:
    matrix = call.weight("kernel", "W", transposed=True)
    bias = call.weight("bias", "b")
    inner = _plus(f"{matrix} {call.x}", bias)
    if len(call.in_sizes) > 1:
        call.note("at every position, along the last axis")
    else:
        delta = rf"\delta_{{{call.index}}}"
        slope = call.derivative(call.layer.activation, inner)
        if slope and call.apply(call.layer.activation, "z") != "z":
            call.result.backward = {"": slope, matrix: rf"{delta} {call.x}^{{\top}}", bias: delta}
        elif slope:
            call.result.backward = {"": "", matrix: rf"{delta} {call.x}^{{\top}}", bias: delta}
    return _activated(call, inner, matrix)


@register_formula(layers.Embedding)
def _embedding(call: Call) -> str:
    call.note("the rows of the table that the numbers name")
    return rf"{call.weight('embeddings', 'E')}\left[{call.x}\right]"


@register_formula(layers.ReversibleEmbedding)
def _reversible_embedding(call: Call) -> str:
    node, cap = call.step.node, call.layer.logit_soft_cap
    reverse = node.args[1] if len(node.args) > 1 else node.kwargs.get("reverse")
    if not reverse:
        return _embedding(call)
    call.note("a score for each row of the table")
    own = call.layer.reverse_embeddings is not None
    table = (
        call.weight("reverse_embeddings", "R", transposed=True)
        if own
        else call.weight("embeddings", "E")
    )
    if cap is None:
        return f"{table} {call.x}"
    return rf"{number(cap)} \tanh\left(\frac{{{table} {call.x}}}{{{number(cap)}}}\right)"


# -- windows that slide --------------------------------------------------------------------------------------------


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
    term = f"{_at(kernel, *offsets, 'l', 'm')} {_at(x, *cells, 'l')}"
    call.where(f"{_at(slid, *places, 'm')} = {total}{term}")
    _window_notes(call)
    if layer.groups > 1:
        call.note(f"in {layer.groups} groups of channels, each with filters of its own")
    return _activated(call, _plus(slid, call.weight("bias", "b")))


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


def _pool(call: Call, name: str, over: Any, factor: str) -> str:
    layer, x = call.layer, call.x
    places = list(_PLACES[: layer.rank])
    cells = _cells(call, layer.pool_size, layer.strides, [1] * layer.rank)
    ranges = ", ".join(_ranges(layer.pool_size))
    call.where(rf"{_at(call.y, *places, 'm')} = {factor}{over(ranges)}{_at(x, *cells, 'm')}")
    if layer.padding == "same":
        call.note("windows over the edge count what is inside")
    if layer.data_format == "channels_first":
        call.note("channels first")
    return rf"\operatorname{{{name}}}_{{{_by(layer.pool_size)}}}\left({x}\right)"


def _by(sizes: Any) -> str:
    return r"\times ".join(map(str, sizes))


def _global(call: Call) -> tuple[str, str]:
    places = ",".join(_PLACES[: call.layer.rank])
    return places, _at(call.x, places)


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
        counts = _at(call.masks[0], places)
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
    call.where(rf"{_at(call.y, *places, 'm')} = {_at(call.x, *cells, 'm')}")
    return name


# -- activations ---------------------------------------------------------------------------------------------------


@register_formula(layers.Activation)
def _activation(call: Call) -> str:
    call.jacobian(call.derivative(call.layer.activation, call.x) if len(call.in_sizes) == 1 else "")
    return call.apply(call.layer.activation, call.x)


@register_formula(layers.ReLU)
def _relu(call: Call) -> str:
    layer, x = call.layer, call.x
    if not (layer.max_value is not None or layer.negative_slope or layer.threshold):
        call.jacobian(call.derivative(ops.relu, x) if len(call.in_sizes) == 1 else "")
        return call.apply(ops.relu, x)
    top = rf"\max\left(0, {x}\right)"
    if layer.threshold:
        top = rf"{x} \odot \left[{x} > {number(layer.threshold)}\right]"
    if layer.max_value is not None:
        top = rf"\min\left({number(layer.max_value)}, {top}\right)"
    if not layer.negative_slope:
        return top
    below = x if not layer.threshold else f"{x} - {number(layer.threshold)}"
    return rf"{top} + {number(layer.negative_slope)} \min\left(0, {below}\right)"


@register_formula(layers.LeakyReLU)
def _leaky_relu(call: Call) -> str:
    x = call.x
    return rf"\max\left(0, {x}\right) + {number(call.layer.negative_slope)} \min\left(0, {x}\right)"


@register_formula(layers.ELU)
def _elu(call: Call) -> str:
    x, alpha = call.x, number(call.layer.alpha)
    scale = "" if alpha == "1" else f"{alpha} "
    return rf"\max\left(0, {x}\right) + {scale}\min\left(0, e^{{{x}}} - 1\right)"


@register_formula(layers.PReLU)
def _prelu(call: Call) -> str:
    slope = call.weight("alpha", r"\alpha")
    return rf"\max\left(0, {call.x}\right) + {slope} \odot \min\left(0, {call.x}\right)"


@register_formula(layers.Softmax)
def _softmax(call: Call) -> str:
    axis = call.layer.axis
    plain = axis == -1
    if plain and len(call.in_sizes) == 1:
        call.jacobian(call.derivative(ops.softmax, call.x))
    return call.apply(ops.softmax, call.x, **({} if plain else {f"axis {axis}": ""}))


# -- one out of several --------------------------------------------------------------------------------------------


@register_formula(layers.Add)
def _add(call: Call) -> str:
    _each(call, "I")
    return " + ".join(call.inputs)


@register_formula(layers.Subtract)
def _subtract(call: Call) -> str:
    _each(call, "I", "-I")
    return " - ".join(call.inputs)


@register_formula(layers.Average)
def _average(call: Call) -> str:
    _each(call, rf"\frac{{1}}{{{len(call.inputs)}}} I")
    return rf"\frac{{1}}{{{len(call.inputs)}}} \left({' + '.join(call.inputs)}\right)"


def _each(call: Call, *factors: str) -> None:
    """Say the derivative with respect to each input, unless one comes in twice or is broadcast."""
    if call.keeps_shape:
        for i, symbol in enumerate(call.inputs):
            call.jacobian(factors[min(i, len(factors) - 1)], symbol)


@register_formula(layers.Multiply)
def _multiply(call: Call) -> str:
    return r" \odot ".join(call.inputs)


@register_formula(layers.Maximum)
def _maximum(call: Call) -> str:
    return rf"\max\left({', '.join(call.inputs)}\right)"


@register_formula(layers.Minimum)
def _minimum(call: Call) -> str:
    return rf"\min\left({', '.join(call.inputs)}\right)"


@register_formula(layers.Concatenate)
def _concatenate(call: Call) -> str:
    if len(call.out_sizes) > 1:
        call.note(f"one after another along axis {call.layer.axis}")
    return rf"\left[{' ; '.join(call.inputs)}\right]"


@register_formula(layers.Dot)
def _dot(call: Call) -> str:
    a, b = call.inputs
    if call.layer.normalize:
        a, b = (rf"\frac{{{s}}}{{\left\Vert {s}\right\Vert}}" for s in (a, b))
    if any(len(call.notation.sample(slot.tensor)) > 1 for slot in call.data):
        call.note(f"summed over the axes {call.layer.axes}")
    return rf"\left\langle {a}, {b} \right\rangle"


# -- normalization -------------------------------------------------------------------------------------------------


def _standardized(call: Call, mean: str, variance: str) -> str:
    scale = call.weight("gamma", r"\gamma")
    shift = call.weight("beta", r"\beta")
    epsilon = number(call.layer.epsilon)
    body = rf"\frac{{{call.x} - {mean}}}{{\sqrt{{{variance} + {epsilon}}}}}"
    return _plus(rf"{scale} \odot {body}" if scale else body, shift)


@register_formula(layers.BatchNormalization)
def _batch_normalization(call: Call) -> str:
    layer = call.layer
    call.weight("gamma", r"\gamma"), call.weight("beta", r"\beta")  # First in the list of weights.
    if not (call.step.training and layer.trainable):
        mean = call.weight("moving_mean", r"\mu")
        return _standardized(call, mean, call.weight("moving_variance", r"\sigma#^{2}"))
    mean, variance = rf"\mu_{{{call.index}}}", rf"\sigma_{{{call.index}}}^{{2}}"
    axes = words("the batch" + (" and all positions" if len(call.in_sizes) > 1 else ""))
    call.where(
        rf"{mean}, {variance} = \text{{mean and variance of }} {call.x} \text{{ over }} {axes}"
    )
    if layer.renorm:
        call.note("corrected towards the moving averages (batch renormalization)")
    return _standardized(call, mean, variance)


@register_formula(layers.LayerNormalization)
def _layer_normalization(call: Call) -> str:
    call.note(f"mean and variance within each sample, along axis {call.layer.axis}")
    return _standardized(call, *_moments(call))


@register_formula(layers.GroupNormalization)
def _group_normalization(call: Call) -> str:
    groups = call.layer.groups
    parts = "each channel" if groups == -1 else f"each of {groups} groups of channels"
    call.note(f"mean and variance within each sample and {parts}")
    return _standardized(call, *_moments(call))


def _moments(call: Call) -> tuple[str, str]:
    return (
        rf"\operatorname{{E}}\left[{call.x}\right]",
        rf"\operatorname{{Var}}\left[{call.x}\right]",
    )


@register_formula(layers.RMSNormalization)
def _rms_normalization(call: Call) -> str:
    call.note(f"the mean within each sample, along axis {call.layer.axis}")
    mean = rf"\operatorname{{E}}\left[{call.x}^{{2}}\right]"
    scale = call.weight("scale", r"\gamma")
    return rf"{scale} \odot \frac{{{call.x}}}{{\sqrt{{{mean} + {number(call.layer.epsilon)}}}}}"


@register_formula(layers.UnitNormalization)
def _unit_normalization(call: Call) -> str:
    return rf"\frac{{{call.x}}}{{\left\Vert {call.x}\right\Vert_{{2}}}}"


# -- chance --------------------------------------------------------------------------------------------------------


def _noise(call: Call, kind: str, result: str, drawn: str) -> str:
    """Write a layer that adds chance in training and does nothing otherwise."""
    if not call.step.training or call.layer.seed_generator is None:
        call.note(f"{kind}: {_STILL}")
        call.jacobian("I")
        return call.x
    call.where(drawn)
    return result


@register_formula(
    layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D
)
def _dropout(call: Call) -> str:
    rate, chosen = call.layer.rate, rf"m_{{{call.index}}}"
    kept = number(round(1 - rate, 9))
    if call.step.training and call.layer.noise_shape is not None:
        whole = hasattr(call.layer, "rank")
        shape = call.layer.noise_shape
        call.note("each channel as a whole" if whole else f"one draw for each cell of {shape}")
    return _noise(
        call, f"dropout of {number(rate)}", rf"\frac{{{chosen}}}{{{kept}}} \odot {call.x}",
        rf"{chosen} \sim \text{{0 or 1, where 1 has the chance }} {kept}",
    )  # fmt: skip


@register_formula(layers.GaussianDropout)
def _gaussian_dropout(call: Call) -> str:
    factor, rate = rf"m_{{{call.index}}}", call.layer.rate
    variance = number(rate / (1 - rate))
    return _noise(
        call,
        "noise",
        rf"{factor} \odot {call.x}",
        rf"{factor} \sim \mathcal{{N}}\left(1, {variance}\right)",
    )


@register_formula(layers.GaussianNoise)
def _gaussian_noise(call: Call) -> str:
    noise, deviation = rf"\epsilon_{{{call.index}}}", number(call.layer.stddev)
    return _noise(
        call,
        "noise",
        f"{call.x} + {noise}",
        rf"{noise} \sim \mathcal{{N}}\left(0, {deviation}^{{2}}\right)",
    )


@register_formula(layers.AlphaDropout)
def _alpha_dropout(call: Call) -> str:
    chosen, rate, low = rf"m_{{{call.index}}}", call.layer.rate, -1.7580993408473766
    a = ((1 - rate) * (1 + rate * low**2)) ** -0.5
    kept = rf"{chosen} \odot {call.x} - {number(-low)} \left(1 - {chosen}\right)"
    return _noise(
        call, f"dropout of {number(rate)}",
        rf"{number(a)} \left({kept}\right) + {number(-a * low * rate)}",
        rf"{chosen} \sim \text{{0 or 1, where 1 has the chance }} {number(round(1 - rate, 9))}",
    )  # fmt: skip


@register_formula(layers.Identity, layers.ActivityRegularization)
def _identity(call: Call) -> str:
    call.jacobian("I")
    return call.x


# -- the same numbers in another form ------------------------------------------------------------------------------


@register_formula(layers.Flatten)
def _flatten(call: Call) -> str:
    call.jacobian("I")
    return rf"\operatorname{{vec}}\left({call.x}\right)"


@register_formula(layers.Reshape)
def _reshape(call: Call) -> str:
    call.jacobian("I")
    return rf"\operatorname{{reshape}}\left({call.x}\right)"


@register_formula(layers.Permute)
def _permute(call: Call) -> str:
    dims = call.layer.dims
    if dims == (2, 1):
        return rf"{call.x}^{{\top}}"
    return rf"\operatorname{{permute}}_{{{','.join(map(str, dims))}}}\left({call.x}\right)"


@register_formula(layers.RepeatVector)
def _repeat_vector(call: Call) -> str:
    call.note("the vector in every row")
    return rf"\mathbf{{1}}_{{{call.layer.n}}} {call.x}^{{\top}}"


@register_formula(layers.Masking)
def _masking(call: Call) -> str:
    chosen = rf"m_{{{call.index}}}"
    padding = number(call.layer.mask_value)
    call.where(
        rf"{_at(chosen, 't')} = \text{{0 where all of }} {_at(call.x, 't')} \text{{ is }} {padding} \text{{, else 1}}"
    )
    call.note("what follows leaves out the steps where it is 0")
    return rf"{chosen} \odot {call.x}"


@register_formula(layers.Lambda)
def _lambda(call: Call) -> str:
    name = getattr(call.layer.function, "__name__", "<lambda>")
    name = "f" if name == "<lambda>" else name.replace("_", r"\_")
    settings = [f"{words(k)} = {number(v) if isinstance(v, int | float) else words(str(v))}"
                for k, v in call.layer.arguments.items()]  # fmt: skip
    return rf"\operatorname{{{name}}}\left({', '.join([*call.inputs, *settings])}\right)"


@register_formula(layers.Rescaling)
def _rescaling(call: Call) -> str:
    scale, offset = call.layer.scale, call.layer.offset
    written = [number(v) if isinstance(v, int | float) else rf"{letter}_{{{call.index}}}"
               for v, letter in ((scale, "s"), (offset, "c"))]  # fmt: skip
    return rf"{written[0]} \cdot {call.x}" + ("" if written[1] == "0" else f" + {written[1]}")


@register_formula(layers.Normalization)
def _normalization(call: Call) -> str:
    mean = call.weight("adapt_mean", r"\mu") or rf"\mu_{{{call.index}}}"
    variance = call.weight("adapt_variance", r"\sigma#^{2}") or rf"\sigma_{{{call.index}}}^{{2}}"
    call.note("mean and variance of the data that it was adapted to, or was given")
    if call.layer.invert:
        return rf"{mean} + \sqrt{{{variance}}} \odot {call.x}"
    return rf"\frac{{{call.x} - {mean}}}{{\sqrt{{{variance}}}}}"
