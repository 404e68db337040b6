"""The dense layer whose axes an equation says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.layers.checks import is_whole, known
from trivium.layers.input_spec import InputSpec
from trivium.layers.kernels import Kernel, KernelLayer
from trivium.layers.registry import LAYERS
from trivium.layers.types import ActivationLike, ConstraintLike, InitializerLike, RegularizerLike
from trivium.ops.lowering.products import add_to_rows
from trivium.state.types import Array, ArrayLike, Shape

__all__ = ["EinsumDense"]

_EQUATION = re.compile(
    r"(\.\.\.)?(?P<input>[a-zA-Z]+)(\.\.\.)?,(?P<kernel>[a-zA-Z]+)->(\.\.\.)?(?P<output>[a-zA-Z]+)(\.\.\.)?"
)


@LAYERS.register()
class EinsumDense(KernelLayer):
    """`activation(einsum(equation, inputs, kernel) + bias)`: a product along any axes, named by letters.

    Args:
        equation: The axes of the input, the kernel and the output: `"abc,cd->abd"`. `...` stands for any axes, before
            or after the letters of the input and of the output alike.
        output_shape: The sizes of the output's axes but the batch's, which is the first letter where none stand before
            it; `None` for those that are the input's. A number alone is one axis.
        activation: The activation; none where it is `None`.
        bias_axes: The letters of the output's axes along which the bias has a number each; no bias where it is `None`.
        kernel_initializer: How the kernel is drawn.
        bias_initializer: How the bias is drawn.
        kernel_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        kernel_constraint: A function applied to the kernel after each update.
        bias_constraint: A function applied to the bias after each update.
        lora_rank: The rank of two factors whose product is added to the kernel and trained in its place; none where it
            is `None`. See `enable_lora`.
        lora_alpha: The product counts `lora_alpha / lora_rank` times; once where it is `None`.
        gptq_unpacked_column_size: Kept for Keras's configs: kernels quantized by GPTQ are not read here.
        quantization_config: How the kernel is quantized, where the dtype policy says that it is.
        kwargs: `name`, `dtype`, `trainable`, as for every layer; and `activity_regularizer`.

    Raises:
        ValueError: The equation has another form or letters that come from nowhere, `output_shape` does not have a size
            for each of the output's axes, or `bias_axes` has a letter that the output does not have.

    Example:
        >>> import numpy as np
        >>> layer = EinsumDense("abc,cde->abde", output_shape=(None, 3, 8), bias_axes="de")
        >>> layer(np.ones((2, 5, 4))).shape, layer.kernel.shape, layer.bias.shape
        ((2, 5, 3, 8), (4, 3, 8), (3, 8))
    """

    kernel = Kernel()
    _left_out: ClassVar[dict[str, Any]] = {
        "lora_rank": None, "lora_alpha": None, "gptq_unpacked_column_size": None,
    }  # fmt: skip

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: ActivationLike = None,
        bias_axes: str | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config, **kwargs
        )  # fmt: skip
        given = (output_shape,) if is_whole(output_shape) else output_shape
        if not isinstance(given, list | tuple) or not all(
            d is None or is_whole(d, least=1) for d in given
        ):
            raise ValueError(
                "EinsumDense: `output_shape` is a size, or a tuple of sizes and of None for sizes of the input; got "
                f"{output_shape!r}."
            )
        self._set(
            equation=equation, output_shape=tuple(given), activation=activation, bias_axes=bias_axes or None,
            kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint,
            gptq_unpacked_column_size=gptq_unpacked_column_size,
        )  # fmt: skip
        self._check_equation()

    def _letters(self) -> tuple[str, str, str, bool, bool]:
        """Return the letters of input, kernel and output, and whether other axes stand before or after them."""
        match = _EQUATION.fullmatch(self.equation) if isinstance(self.equation, str) else None
        if match is not None:
            before, _, after, _, before_output, _, after_output = match.groups()
            if (before, after) == (before_output, after_output) and not (before and after):
                return match["input"], match["kernel"], match["output"], bool(before), bool(after)
        raise ValueError(
            "EinsumDense: `equation` has the form 'abc,cd->abd', '...bc,cd->...bd' or 'ab...,bc->ac...'; got "
            f"{self.equation!r}."
        )

    def _check_equation(self) -> None:
        inputs, kernel, output, before, _ = self._letters()
        where = f"EinsumDense: `equation` {self.equation!r}"
        for letters, said in ((kernel, "kernel"), (output, "output")):
            if len(set(letters)) < len(letters):
                raise ValueError(f"{where} names an axis of the {said} twice.")
        sources = {"kernel": (kernel, inputs + output), "output": (output, inputs + kernel)}
        for name, (letters, known_letters) in sources.items():
            lost = [c for c in letters if c not in known_letters]
            if lost:
                raise ValueError(
                    f"{where}: the {name}'s axis {lost[0]!r} is no axis of the input or the "
                    f"{'output' if name == 'kernel' else 'kernel'}, so it has no size."
                )
        sized = output if before else output[1:]
        if len(self.output_shape) != len(sized):
            raise ValueError(
                f"{where} has the axes {sized!r} besides the batch in its output, so `output_shape` has "
                f"{len(sized)} sizes; got {self.output_shape}."
            )
        for letter, size in zip(sized, self.output_shape, strict=True):
            if size is None and letter not in inputs:
                raise ValueError(
                    f"{where}: the output's axis {letter!r} is none of the input's, so `output_shape` must have its "
                    f"size; got {self.output_shape}."
                )
        if not isinstance(self.bias_axes, str | None) or set(self.bias_axes or "") - set(output):
            raise ValueError(
                f"EinsumDense: `bias_axes` has letters of the output's axes, {output!r}, or is None; got "
                f"{self.bias_axes!r}."
            )

    def _sizes(self, input_shape: Shape) -> dict[str, int | None]:
        """Return the size of each axis that has a letter, `None` where it is not known."""
        inputs, _, output, before, after = self._letters()
        shape, path = known(input_shape), f"Layer {self.path!r} (EinsumDense)"
        if len(shape) < len(inputs) or (len(shape) > len(inputs) and not (before or after)):
            least = "at least " if before or after else ""
            raise ValueError(
                f"{path} wants {least}{len(inputs)} dimensions of its input, since its equation is "
                f"{self.equation!r}; got shape {shape}."
            )
        seen = shape[len(shape) - len(inputs) :] if before else shape[: len(inputs)]
        sizes = dict(zip(inputs, seen, strict=True))
        said = zip(output if before else output[1:], self.output_shape, strict=True)
        for letter, size in said:
            given = sizes.setdefault(letter, size)
            if None not in (size, given) and size != given:
                raise ValueError(
                    f"{path}: axis {letter!r} of {self.equation!r} has size {size} in output_shape="
                    f"{self.output_shape} and {given} in the input of shape {shape}. Write None for the input's size."
                )
            sizes[letter] = given if size is None else size
        return sizes

    def build(self, input_shape: Shape) -> None:
        """Make the kernel, and the bias where there is one."""
        inputs, kernel, output, before, after = self._letters()
        sizes = self._sizes(input_shape)
        self._add_kernel([sizes[c] for c in kernel])
        self.bias = None
        if self.bias_axes:
            # It broadcasts from its first axis on.
            axes = output[min(map(output.index, self.bias_axes)) :]
            shape = [sizes[c] if c in self.bias_axes else 1 for c in axes]
            shape += [1] * (len(input_shape) - len(inputs)) if after else []
            self.bias = self._add_set_weight("bias", shape)
        self._finish_kernel()
        at = {c: i - len(inputs) if before else i for i, c in enumerate(inputs)}
        said = dict(zip(reversed(output), reversed(self.output_shape), strict=False))
        fixed = {at[c]: sizes[c] for c in inputs if c in kernel or said.get(c) is not None}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=fixed)

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        outputs = self._linear(inputs)
        if self.bias is not None:
            outputs = add_to_rows(outputs, jnp.asarray(self.bias))
        return self.activation(outputs)

    def _apply(self, inputs: Array, kernel: ArrayLike) -> Array:
        return ops.einsum(self.equation, inputs, kernel)

    def _summed_axes(self) -> tuple[int, ...]:
        _, kernel, output, _, _ = self._letters()
        return tuple(i for i, c in enumerate(kernel) if c not in output)

    def _input_axes(self) -> tuple[int, ...]:
        inputs, _, output, before, _ = self._letters()
        start = -len(inputs) if before else 0
        return tuple(start + i for i, c in enumerate(inputs) if c not in output)

    def _factored_axis(self) -> int | None:
        inputs, kernel, output, _, after = self._letters()
        last = kernel[-1]
        # An axis that the input has, too, cannot become the rank's.
        if last not in output or last in inputs:
            return None
        return output.index(last) - (0 if after else len(output))

    def _output_scale(self, input_scale: Array, kernel_scale: Array) -> Array:
        # One product for each number of the output, in which no digit may be lost.
        with jax.default_matmul_precision("highest"):
            return self._apply(input_scale, kernel_scale)

    def _scale_order(self) -> tuple[list[int], list[str]]:
        """Return in which order the output has the kernel's axes that are not summed over, and these axes' letters."""
        _, kernel, output, _, _ = self._letters()
        mine = [c for c in kernel if c in output]
        return [mine.index(c) for c in output if c in kernel], mine

    def _keep_scale(self, scale: Array) -> Array:
        """Return a scale with an axis for each of the output's, of size 1 where those are the input's."""
        order, mine = self._scale_order()
        output = self._letters()[2]
        ordered = ops.transpose(ops.squeeze(scale, self._summed_axes()), order)
        sizes = iter(ordered.shape)
        return ops.reshape(ordered, [next(sizes) if c in mine else 1 for c in output])

    def _kept_scale(self, scale: Array) -> Array:
        order, _ = self._scale_order()
        sizes = [
            n
            for n, c in zip(scale.shape, self._letters()[2], strict=True)
            if c in self._letters()[1]
        ]
        kernel = ops.transpose(ops.reshape(scale, sizes), np.argsort(order).tolist())
        return ops.expand_dims(kernel, self._summed_axes())
