"""TensorFlow's and Keras's older array functions, each a row that says which op of ours it is.

A row reads `name: op(arguments)`; what is no op of ours but a function of JAX's has its whole path. The arguments are
in the order that callers know:

    axis            is passed on under the same name
    input>x         is passed on as `x`
    axis=0          has this default
    -validate       is taken and has no meaning here
    -adjoint=False  is taken with this value only
    +lower=True     is what we pass, and no argument of callers
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from trivium import ops
from trivium.compat.errors import NotCovered
from trivium.compat.names import shown
from trivium.compat.tensorflow.rows import KERAS, TENSORFLOW
from trivium.graph.op import op as recorded
from trivium.ops.arrays import as_array
from trivium.state.registry import suggest

__all__ = ["array_function", "array_functions", "bind"]

_TENSORFLOW = """
abs: abs(x)
acos: arccos(x)
acosh: arccosh(x)
add: add(x>x1, y>x2)
asin: arcsin(x)
asinh: arcsinh(x)
atan: arctan(x)
atan2: arctan2(y>x1, x>x2)
atanh: arctanh(x)
argmax: argmax(input>x, axis=0, -output_type)
argmin: argmin(input>x, axis=0, -output_type)
broadcast_to: broadcast_to(input>x, shape)
cast: cast(x, dtype)
clip_by_value: clip(t>x, clip_value_min>x_min, clip_value_max>x_max)
cond: cond(pred, true_fn, false_fn)
convert_to_tensor: convert_to_tensor(value>x, dtype, -dtype_hint)
cos: cos(x)
cosh: cosh(x)
divide: divide(x>x1, y>x2)
equal: equal(x>x1, y>x2)
exp: exp(x)
expand_dims: expand_dims(input>x, axis)
eye: eye(num_rows>N, num_columns>M, -batch_shape=None, dtype="float32")
floor: floor(x)
greater: greater(x>x1, y>x2)
greater_equal: greater_equal(x>x1, y>x2)
identity: copy(input>x)
is_tensor: is_tensor(x)
less: less(x>x1, y>x2)
less_equal: less_equal(x>x1, y>x2)
linspace: linspace(start, stop, num, axis=0)
logical_and: logical_and(x>x1, y>x2)
logical_not: logical_not(x)
logical_or: logical_or(x>x1, y>x2)
maximum: maximum(x>x1, y>x2)
minimum: minimum(x>x1, y>x2)
multiply: multiply(x>x1, y>x2)
negative: negative(x)
not_equal: not_equal(x>x1, y>x2)
ones: ones(shape, dtype="float32", -layout)
ones_like: ones_like(input>x, dtype, -layout)
reduce_all: all(input_tensor>x, axis, keepdims)
reduce_any: any(input_tensor>x, axis, keepdims)
reduce_logsumexp: logsumexp(input_tensor>x, axis, keepdims)
reduce_max: max(input_tensor>x, axis, keepdims)
reduce_min: min(input_tensor>x, axis, keepdims)
reduce_prod: prod(input_tensor>x, axis, keepdims)
reduce_sum: sum(input_tensor>x, axis, keepdims)
repeat: repeat(input>x, repeats, axis)
reshape: reshape(tensor>x, shape>newshape)
reverse: flip(tensor>x, axis)
roll: roll(input>x, shift, axis)
round: round(x)
saturate_cast: saturate_cast(value>x, dtype)
scalar_mul: multiply(scalar>x1, x>x2)
searchsorted: searchsorted(sorted_sequence, values, side, -out_type)
sign: sign(x)
sin: sin(x)
sinh: sinh(x)
sqrt: sqrt(x)
square: square(x)
squeeze: squeeze(input>x, axis)
stack: stack(values>x, axis=0)
stop_gradient: stop_gradient(input>variable)
subtract: subtract(x>x1, y>x2)
tan: tan(x)
tanh: tanh(x)
tensordot: tensordot(a>x1, b>x2, axes)
transpose: transpose(a>x, perm>axes, -conjugate=False)
truediv: true_divide(x>x1, y>x2)
unstack: unstack(value>x, num, axis)
vectorized_map: vectorized_map(fn>function, elems>elements, -fallback_to_while_loop, -warn)
zeros: zeros(shape, dtype="float32", -layout)
zeros_like: zeros_like(input>x, dtype, -layout)
sigmoid: sigmoid(x)

linalg.cholesky: cholesky(input>x)
linalg.cross: cross(a>x1, b>x2)
linalg.det: det(input>x)
linalg.diag_part: diagonal(input>x, k>offset, +axis1=-2, +axis2=-1)
linalg.eigh: eigh(tensor>x)
linalg.logdet: logdet(matrix>x)
linalg.matrix_transpose: swapaxes(a>x, +axis1=-2, +axis2=-1, -conjugate=False)
linalg.pinv: pinv(a>x, rcond)
linalg.qr: qr(input>x, -full_matrices=False)
linalg.slogdet: slogdet(input>x)
linalg.trace: trace(x, +axis1=-2, +axis2=-1)
linalg.triangular_solve: solve_triangular(matrix>a, rhs>b, lower=True, -adjoint=False)

math.angle: angle(input>x)
math.ceil: ceil(x)
math.conj: conj(x)
math.count_nonzero: count_nonzero(input>x, axis)
math.cumprod: cumprod(x, axis=0, -exclusive=False, -reverse=False)
math.divide_no_nan: divide_no_nan(x>x1, y>x2)
math.erf: erf(x)
math.erfc: erfc(x)
math.erfinv: erfinv(x)
math.expm1: expm1(x)
math.imag: imag(input>x)
math.in_top_k: in_top_k(targets, predictions, k)
math.is_finite: isfinite(x)
math.is_inf: isinf(x)
math.is_nan: isnan(x)
math.log: log(x)
math.log1p: log1p(x)
math.log_sigmoid: log_sigmoid(x)
math.logical_xor: logical_xor(x>x1, y>x2)
math.real: real(input>x)
math.reciprocal: reciprocal(x)
math.reduce_std: std(input_tensor>x, axis, keepdims)
math.reduce_variance: var(input_tensor>x, axis, keepdims)
math.reduce_euclidean_norm: norm(input_tensor>x, axis, keepdims)
math.rint: round(x)
math.rsqrt: rsqrt(x)
math.softplus: softplus(features>x)

nn.depth_to_space: depth_to_space(input>x, block_size, -data_format="NHWC")
nn.elu: elu(features>x)
nn.gelu: gelu(features>x, approximate=False)
nn.leaky_relu: leaky_relu(features>x, alpha>negative_slope)
nn.moments: moments(x, axes, -shift, keepdims)
nn.relu: relu(features>x)
nn.relu6: relu6(features>x)
nn.selu: selu(features>x)
nn.sigmoid_cross_entropy_with_logits: binary_crossentropy(labels>target, logits>output, +from_logits=True)
nn.silu: silu(features>x, -beta=1.0)
nn.softmax_cross_entropy_with_logits: categorical_crossentropy(labels>target, logits>output, axis=-1, +from_logits=True)
nn.softsign: softsign(features>x)
nn.space_to_depth: space_to_depth(input>x, block_size, -data_format="NHWC")
"""

_KERAS = """
backend.abs: abs(x)
backend.all: all(x, axis, keepdims)
backend.any: any(x, axis, keepdims)
backend.arange: arange(start, stop, step=1, dtype="int32")
backend.argmax: argmax(x, axis=-1)
backend.argmin: argmin(x, axis=-1)
backend.bias_add: add(x>x1, bias>x2, -data_format)
backend.binary_crossentropy: binary_crossentropy(target, output, from_logits)
backend.cast: cast(x, dtype)
backend.cast_to_floatx: convert_to_tensor(x, +dtype="float32")
backend.categorical_crossentropy: categorical_crossentropy(target, output, from_logits, axis=-1)
backend.clip: clip(x, min_value>x_min, max_value>x_max)
backend.concatenate: concatenate(tensors>xs, axis=-1)
backend.constant: convert_to_tensor(value>x, dtype, -shape=None)
backend.cos: cos(x)
backend.cumprod: cumprod(x, axis=0)
backend.cumsum: cumsum(x, axis=0)
backend.dot: dot(x>x1, y>x2)
backend.dtype: dtype(x)
backend.elu: elu(x, alpha)
backend.equal: equal(x>x1, y>x2)
backend.eval: convert_to_numpy(x)
backend.exp: exp(x)
backend.expand_dims: expand_dims(x, axis=-1)
backend.eye: eye(size>N, dtype)
backend.flatten: ravel(tensor>x)
backend.gather: take(reference>x, indices, axis=0)
backend.get_value: convert_to_numpy(x)
backend.greater: greater(x>x1, y>x2)
backend.greater_equal: greater_equal(x>x1, y>x2)
backend.in_top_k: in_top_k(predictions, targets, k)
backend.int_shape: shape(x)
backend.less: less(x>x1, y>x2)
backend.less_equal: less_equal(x>x1, y>x2)
backend.log: log(x)
backend.max: max(x, axis, keepdims)
backend.maximum: maximum(x>x1, y>x2)
backend.mean: mean(x, axis, keepdims)
backend.min: min(x, axis, keepdims)
backend.minimum: minimum(x>x1, y>x2)
backend.ndim: ndim(x)
backend.not_equal: not_equal(x>x1, y>x2)
backend.one_hot: one_hot(indices>x, num_classes)
backend.ones: ones(shape, dtype)
backend.ones_like: ones_like(x, dtype)
backend.permute_dimensions: transpose(x, pattern>axes)
backend.pow: power(x>x1, a>x2)
backend.prod: prod(x, axis, keepdims)
backend.relu: relu(x, -alpha=0.0, -max_value=None, -threshold=0.0)
backend.repeat_elements: repeat(x, rep>repeats, axis)
backend.reshape: reshape(x, shape>newshape)
backend.reverse: flip(x, axes>axis)
backend.round: round(x)
backend.shape: shape(x)
backend.sigmoid: sigmoid(x)
backend.sign: sign(x)
backend.sin: sin(x)
backend.softmax: softmax(x, axis=-1)
backend.softplus: softplus(x)
backend.softsign: softsign(x)
backend.sparse_categorical_crossentropy: sparse_categorical_crossentropy(target, output, from_logits, axis=-1)
backend.sqrt: sqrt(x)
backend.square: square(x)
backend.squeeze: squeeze(x, axis)
backend.stack: stack(x, axis=0)
backend.std: std(x, axis, keepdims)
backend.stop_gradient: stop_gradient(variables>variable)
backend.sum: sum(x, axis, keepdims)
backend.tanh: tanh(x)
backend.tile: tile(x, n>repeats)
backend.transpose: transpose(x)
backend.var: var(x, axis, keepdims)
backend.zeros: zeros(shape, dtype)
backend.zeros_like: zeros_like(x, dtype)
"""

_UNSET: Any = inspect.Parameter.empty


class _Argument(NamedTuple):
    name: str
    target: str
    default: Any
    passed: bool  # to our op
    fixed: bool


class _Row(NamedTuple):
    path: str
    op: str
    arguments: list[_Argument]


@functools.cache
def _rows() -> dict[str, _Row]:
    rows = {}
    for library, text in (("tensorflow", _TENSORFLOW + TENSORFLOW), ("keras", _KERAS + KERAS)):
        for line in filter(None, text.splitlines()):
            name, _, call = line.partition(": ")
            op, _, arguments = call.removesuffix(")").partition("(")
            path = f"{library}.{name}"
            rows[path] = _Row(path, op, [_argument(a) for a in arguments.split(", ")])
    return rows


def _argument(text: str) -> _Argument:
    left, has_default, default = text.partition("=")
    name, _, target = left.lstrip("-+").partition(">")
    value = ast.literal_eval(default) if has_default else _UNSET
    return _Argument(name, target or name, value, text[0] != "-", text[0] == "+")


@functools.cache
def _operation(name: str) -> Callable[..., Any] | None:
    """Return the op of a row, or a function of JAX's as one; `None` where the library has no such op yet."""
    module, _, function = name.rpartition(".")
    if not module:
        found: Callable[..., Any] | None = getattr(ops, name, None)
        return found
    theirs = getattr(importlib.import_module(module), function)

    @functools.wraps(theirs)
    def computed(*args: Any, **kwargs: Any) -> Any:
        # JAX refuses lists.
        args = tuple(as_array(a) if isinstance(a, list | tuple) else a for a in args)
        return theirs(
            *args, **{k: as_array(v) if isinstance(v, list) else v for k, v in kwargs.items()}
        )

    return recorded(computed)


def array_functions() -> list[str]:
    """Return the paths of all rows.

    Example:
        >>> "tensorflow.reduce_max" in array_functions()
        True
    """
    return list(_rows())


@functools.cache
def array_function(path: str) -> Callable[..., Any] | None:
    """Return the function of a row, with the arguments that callers know.

    Args:
        path: Its path, from `tensorflow` or `keras` on.

    Returns:
        The function; `None` where there is no such row, or the library has no such op yet.

    Example:
        >>> array_function("tensorflow.reduce_max")([[1.0, 2.0]], axis=1, keepdims=True).tolist()
        [[2.0]]
    """
    row = _rows().get(path)
    op = _operation(row.op) if row is not None else None
    if row is None or op is None:
        return None
    signature = _signature(row, op)

    def function(*args: Any, **kwargs: Any) -> Any:
        given = bind(path, signature, args, kwargs)
        passed = {a.target: a.default for a in row.arguments if a.fixed}
        for argument in row.arguments:
            if argument.name not in given or argument.fixed:
                continue
            if argument.passed:
                passed[argument.target] = given[argument.name]
            elif argument.default is not _UNSET and given[argument.name] != argument.default:
                raise NotCovered(
                    f"{shown(path)}: {argument.name}={given[argument.name]!r} is not covered; "
                    f"{argument.name}={argument.default!r} is."
                )
        return op(**passed)

    function.__name__ = function.__qualname__ = path.rpartition(".")[2]
    whole = row.op if "." in row.op else f"trivium.ops.{row.op}"
    function.__doc__ = f"`{shown(path)}`, which is `{whole}`."
    function.__signature__ = signature  # type: ignore[attr-defined]
    return function


def _signature(row: _Row, op: Callable[..., Any]) -> inspect.Signature:
    ours = inspect.signature(op).parameters
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = []
    for argument in row.arguments:
        default = argument.default
        if default is _UNSET:
            default = ours[argument.target].default if argument.passed else None
        if not argument.fixed:
            parameters.append(inspect.Parameter(argument.name, kind, default=default))
    name = inspect.Parameter("name", inspect.Parameter.KEYWORD_ONLY, default=None)
    return inspect.Signature([*parameters, name])


def bind(path: str, signature: inspect.Signature, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return the arguments of a call by name, defaults included.

    Args:
        path: What is called.
        signature: Its arguments.
        args: What came by position.
        kwargs: What came by name.

    Raises:
        NotCovered: They do not fit.

    Example:
        >>> bind("tensorflow.square", inspect.signature(lambda x: x), (2,), {})
        {'x': 2}
    """
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        taken = [n for n in signature.parameters if n != "name"]
        unknown = next((n for n in kwargs if n not in signature.parameters), None)
        hint = suggest(unknown, taken) if unknown else f"Covered are {', '.join(taken)}."
        raise NotCovered(f"{shown(path)}: {error}. {hint}") from None
    bound.apply_defaults()
    return dict(bound.arguments)
