"""`keras.backend` beyond single ops: convolutions, padding, sizes of images, loops, updates, random numbers."""

from __future__ import annotations

from typing import Any

import jax

from trivium import config, losses, ops, random
from trivium.compat.errors import NotCovered
from trivium.compat.tensorflow.plain_draws import layer_seed
from trivium.compat.written import WRITTEN, covers, covers_older
from trivium.graph import SymbolicTensor
from trivium.state.dtypes import floatx
from trivium.state.name_scopes import name_scope

__all__: list[str] = []

# -- products ---------------------------------------------------------------------------------------------------


@covers("keras.backend.batch_dot")
def _batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    ranks = ops.ndim(x), ops.ndim(y)
    if axes is None:
        axes = (ranks[0] - 1, ranks[1] - 1 if ranks[1] == 2 else ranks[1] - 2)
    first, second = (axes, axes) if isinstance(axes, int) else axes
    first, second = first % ranks[0], second % ranks[1]
    if 0 in (first, second):
        raise ValueError(f"K.batch_dot: axis 0 is the batch's, which stays; got axes={axes!r}.")
    letters = "bcdefghijklmnopqrstuvwxyz"
    one = ["a", *letters[: ranks[0] - 1]]
    two = ["a", *letters[ranks[0] : ranks[0] + ranks[1] - 1]]
    two[second] = one[first]
    rest = [*(c for c in one if c != one[first]), *(c for c in two[1:] if c != one[first])]
    product = ops.einsum(f"{''.join(one)},{''.join(two)}->{''.join(rest)}", x, y)
    return ops.expand_dims(product, -1) if len(rest) == 1 else product


# -- images and sequences ---------------------------------------------------------------------------------------


def _cover_convolution(function: str, op: Any, kernels: int) -> None:
    def convolution(*arguments: Any) -> Any:
        x, *weights = arguments[: kernels + 1]
        strides, padding, data_format, dilation_rate = arguments[kernels + 1 :]
        return op(
            x, *weights, strides, padding, data_format or config.image_data_format(), dilation_rate
        )

    if kernels == 1:

        def one(
            x: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None,
            dilation_rate: Any = 1,
        ) -> Any:  # fmt: skip
            return convolution(x, kernel, strides, padding, data_format, dilation_rate)

        covers(f"keras.backend.{function}")(one)
        return

    def two(
        x: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = 1, padding: str = "valid",
        data_format: Any = None, dilation_rate: Any = 1,
    ) -> Any:  # fmt: skip
        return convolution(
            x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate
        )

    covers(f"keras.backend.{function}")(two)


for _name, _op, _kernels in (
    ("conv1d", ops.conv, 1), ("conv2d", ops.conv, 1), ("conv3d", ops.conv, 1),
    ("depthwise_conv2d", ops.depthwise_conv, 1), ("separable_conv2d", ops.separable_conv, 2),
):  # fmt: skip
    _cover_convolution(_name, _op, _kernels)


def _cover_pool(function: str) -> None:
    def pool(
        x: Any, pool_size: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None,
        pool_mode: str = "max",
    ) -> Any:  # fmt: skip
        op = ops.max_pool if pool_mode == "max" else ops.average_pool
        return op(x, pool_size, strides, padding, data_format or config.image_data_format())

    covers(f"keras.backend.{function}")(pool)


_cover_pool("pool2d")
_cover_pool("pool3d")


def _space(data_format: Any, rank: int) -> int:
    """Return the first of the spatial axes."""
    return 1 if (data_format or config.image_data_format()) == "channels_last" else 2


def _padded(x: Any, padding: Any, first: int) -> Any:
    widths = [[0, 0]] * ops.ndim(x)
    for i, pair in enumerate(padding):
        widths[first + i] = list(pair)
    return ops.pad(x, widths)


@covers("keras.backend.temporal_padding")
def _temporal_padding(x: Any, padding: Any = (1, 1)) -> Any:
    return _padded(x, [padding], 1)


@covers("keras.backend.spatial_2d_padding")
def _spatial_2d_padding(x: Any, padding: Any = ((1, 1), (1, 1)), data_format: Any = None) -> Any:
    return _padded(x, padding, _space(data_format, 2))


@covers("keras.backend.spatial_3d_padding")
def _spatial_3d_padding(
    x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: Any = None
) -> Any:
    return _padded(x, padding, _space(data_format, 3))


@covers("keras.backend.resize_images")
def _resize_images(
    x: Any, height_factor: int, width_factor: int, data_format: Any, interpolation: str = "nearest"
) -> Any:
    first = _space(data_format, 2)
    height, width = ops.shape(x)[first : first + 2]
    return ops.image.resize(
        x, (height * height_factor, width * width_factor), interpolation, data_format=data_format
    )


@covers("keras.backend.resize_volumes")
def _resize_volumes(
    x: Any, depth_factor: int, height_factor: int, width_factor: int, data_format: Any
) -> Any:
    first = _space(data_format, 3)
    for i, factor in enumerate((depth_factor, height_factor, width_factor)):
        x = ops.repeat(x, factor, axis=first + i)
    return x


# -- normalization and losses -----------------------------------------------------------------------------------


@covers("keras.backend.batch_normalization")
def _batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> Any:
    return WRITTEN["tensorflow.nn.batch_normalization"](x, mean, var, beta, gamma, epsilon)


@covers("keras.backend.binary_focal_crossentropy")
def _binary_focal(
    target: Any, output: Any, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0,
    from_logits: bool = False,
) -> Any:  # fmt: skip
    # Element by element, where the loss of this name has a mean over the last axis.
    loss = losses.binary_focal_crossentropy(
        ops.expand_dims(target, -1),
        ops.expand_dims(output, -1),
        apply_class_balancing,
        alpha,
        gamma,
        from_logits,
    )
    return loss


@covers("keras.backend.categorical_focal_crossentropy")
def _categorical_focal(
    target: Any,
    output: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    axis: int = -1,
) -> Any:
    return losses.categorical_focal_crossentropy(
        target, output, alpha, gamma, from_logits, axis=axis
    )


@covers("keras.backend.ctc_batch_cost")
def _ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Any:
    # The blank is the last class here; the probabilities' logarithms are logits.
    labels, steps = (ops.reshape(ops.cast(n, "int32"), (-1,)) for n in (label_length, input_length))
    logits = ops.log(ops.add(y_pred, config.epsilon()))
    blank = ops.shape(y_pred)[-1] - 1
    cost = ops.ctc_loss(ops.cast(y_true, "int32"), logits, labels, steps, mask_index=blank)
    return ops.expand_dims(cost, -1)


@covers("keras.backend.ctc_decode")
def _ctc_decode(
    y_pred: Any, input_length: Any, greedy: bool = True, beam_width: int = 100, top_paths: int = 1
) -> Any:
    logits = ops.log(ops.add(y_pred, config.epsilon()))
    blank = ops.shape(y_pred)[-1] - 1
    strategy = "greedy" if greedy else "beam_search"
    decoded, scores = ops.ctc_decode(
        logits, ops.cast(input_length, "int32"), strategy, beam_width, top_paths, mask_index=blank
    )
    return list(ops.unstack(decoded, axis=0)), scores


# -- loops ------------------------------------------------------------------------------------------------------


@covers("keras.backend.rnn")
def _rnn(
    step_function: Any,
    inputs: Any,
    initial_states: Any,
    go_backwards: bool = False,
    mask: Any = None,
    constants: Any = None,
    unroll: bool = False,
    input_length: Any = None,
    time_major: bool = False,
    zero_output_for_mask: bool = False,
    return_all_outputs: bool = True,
) -> Any:
    steps = inputs if time_major else ops.swapaxes(inputs, 0, 1)
    keep = None if mask is None else ops.swapaxes(ops.cast(mask, "bool"), 0, 1)
    if keep is not None and ops.ndim(keep) == 3:
        keep = ops.squeeze(keep, -1)
    states = list(initial_states)
    first, _ = step_function(steps[0], [*states, *(constants or [])])

    def wide(flag: Any, like: Any) -> Any:
        return ops.reshape(flag, (-1, *[1] * (ops.ndim(like) - 1)))

    def step(carry: Any, given: Any) -> Any:
        before, output_before = carry
        x, flag = given if keep is not None else (given, None)
        output, after = step_function(x, [*before, *(constants or [])])
        if flag is not None:
            rest = ops.zeros_like(output) if zero_output_for_mask else output_before
            output = ops.where(wide(flag, output), output, rest)
            after = [ops.where(wide(flag, a), a, b) for a, b in zip(after, before, strict=True)]
        return (list(after), output), output

    along = steps if keep is None else (steps, keep)
    if go_backwards:
        along = jax.tree.map(lambda a: ops.flip(a, 0), along)
    (states, last), outputs = ops.scan(step, (states, ops.zeros_like(first)), along)
    if not return_all_outputs:
        outputs = ops.expand_dims(last, 0)
    return last, outputs if time_major else ops.swapaxes(outputs, 0, 1), list(states)


# -- values, random numbers -------------------------------------------------------------------------------------


@covers("keras.backend.is_sparse")
def _is_sparse(tensor: Any) -> bool:
    return bool(getattr(tensor, "sparse", False))


@covers("keras.backend.moving_average_update")
def _moving_average_update(x: Any, value: Any, momentum: Any) -> Any:
    return x.assign(x * momentum + ops.multiply(value, 1.0 - momentum))


covers("keras.backend.name_scope")(lambda name: name_scope(name))


@covers("keras.backend.repeat")
def _repeat(x: Any, n: int) -> Any:
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


@covers("keras.backend.random_bernoulli")
def _random_bernoulli(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    drawn = random.uniform(tuple(shape), seed=layer_seed(seed)) < p
    return ops.cast(drawn, dtype or floatx())


@covers("keras.backend.truncated_normal")
def _truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    return random.truncated_normal(tuple(shape), mean, stddev, dtype, seed=layer_seed(seed))


@covers("keras.backend.random_normal_variable")
def _random_normal_variable(
    shape: Any,
    mean: float,
    scale: float,
    dtype: Any = None,
    name: str | None = None,
    seed: Any = None,
) -> Any:
    return WRITTEN["keras.backend.variable"](
        random.normal(tuple(shape), mean, scale, dtype, seed), dtype, name
    )


@covers("keras.backend.random_uniform_variable")
def _random_uniform_variable(
    shape: Any,
    low: float,
    high: float,
    dtype: Any = None,
    name: str | None = None,
    seed: Any = None,
) -> Any:
    return WRITTEN["keras.backend.variable"](
        random.uniform(tuple(shape), low, high, dtype, seed), dtype, name
    )


# -- what Keras 2 had besides -----------------------------------------------------------------------------------

covers_older("keras.backend.learning_phase")(lambda: 0)
covers_older("keras.backend.logsumexp")(
    lambda x, axis=None, keepdims=False: ops.logsumexp(x, axis, keepdims)
)
covers_older("keras.backend.manual_variable_initialization")(lambda value: None)
covers_older("keras.backend.reset_uids")(lambda: None)
covers_older("keras.backend.is_placeholder")(lambda x: isinstance(x, SymbolicTensor))
covers_older("keras.backend.set_session")(lambda session: None)


@covers_older("keras.backend.set_learning_phase")
def _set_learning_phase(value: Any) -> None:
    if int(value):
        raise NotCovered(
            "K.set_learning_phase(1) is not covered. Pass `training=True` to the model's call."
        )


@covers_older("keras.backend.in_train_phase")
def _in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    chosen = x if training else alt
    return chosen() if callable(chosen) else chosen


@covers_older("keras.backend.in_test_phase")
def _in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    return _in_train_phase(alt, x, training)


@covers_older("keras.backend.print_tensor")
def _print_tensor(x: Any, message: str = "", summarize: int = 3) -> Any:
    WRITTEN["tensorflow.print"](message, x)
    return x


@covers_older("keras.losses.Reduction")
class _Reduction:
    """How losses become one number, by the names of Keras 2."""

    AUTO = "sum_over_batch_size"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        return (cls.AUTO, cls.NONE, cls.SUM)
