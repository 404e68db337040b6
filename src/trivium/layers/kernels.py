"""Layers that are linear in one of their variables, the kernel: its factors of low rank and its quantized forms.

Such a layer says three things: which attribute is its kernel (`kernel = Kernel()`), over which of the kernel's axes
it sums (`_summed_axes`), and what it makes of inputs with a kernel (`_apply`). What it computes is `_linear(inputs)`;
the rest is the same for all of them and stands here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.checks import is_whole, not_negative, positive_int
from trivium.layers.own_names import is_ours
from trivium.layers.quantized import FORMS, Form
from trivium.quantizers import QuantizationConfig
from trivium.quantizers import get as get_quantizer
from trivium.quantizers.configs import config_of
from trivium.state import Variable
from trivium.state.dtype_policies import DTypePolicy, DTypePolicyMap, get_policy
from trivium.state.frame import current_frame
from trivium.state.types import Array, ArrayLike

__all__ = ["FACTORS", "Kernel", "KernelLayer"]


class Kernel:
    """The attribute of a layer that is its kernel, under the attribute's name.

    Read, it is the variable; where factors of low rank are added to it, the sum; where it is packed, the whole numbers
    in the kernel's own shape.
    """

    def __set_name__(self, owner: Any, name: str) -> None:
        owner._kernel_name, owner._said_as = name, {"_kernel": name}

    def __get__(self, layer: Any, owner: Any = None) -> Any:
        if layer is None:
            return self
        variable = vars(layer).get("_kernel")
        if variable is None:
            raise layer._not_built(layer._kernel_name)
        return layer._kernel_now()

    def __set__(self, layer: Any, variable: Any) -> None:
        vars(layer)["_kernel"] = variable


# The group in files of the factors of low rank, and of the kernel that they are added to.
FACTORS = "factors"


class KernelLayer(Layer):
    """A layer that is linear in its kernel, which may have factors of low rank and be quantized."""

    _left_out: ClassVar[dict[str, Any]] = {**Layer._left_out, "lora_rank": None, "lora_alpha": None}
    _kernel_name: ClassVar[str]
    # Whether a row of the kernel is one output's, so that the outputs come first where it is kept as a matrix.
    _outputs_first: ClassVar[bool] = False
    # Whether inputs are multiplied with the kernel, and in which dtype whole numbers are multiplied.
    _float_inputs: ClassVar[bool] = True
    _whole_dtype: ClassVar[str] = "int8"

    lora_enabled = False
    lora_rank: int | None = None
    lora_alpha: float | None = None
    quantization_config: QuantizationConfig | None = None
    _kernel: Variable
    _kernel_shape: tuple[int, ...]

    def __init__(
        self,
        *args: Any,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._set_kernel_settings(lora_rank, lora_alpha, quantization_config)

    # -- what each layer says -------------------------------------------------------------------------------------

    def _apply(self, inputs: Array, kernel: ArrayLike) -> Array:
        """Compute what is linear in the kernel."""
        raise NotImplementedError

    def _summed_axes(self) -> tuple[int, ...]:
        """Return the axes of the kernel that are summed over: along them numbers share a scale."""
        raise NotImplementedError

    def _input_axes(self) -> tuple[int, ...]:
        """Return the axes of the input along which numbers that meet in a sum share a scale."""
        return (-1,)

    def _factored_axis(self) -> int | None:
        """Return the axis of the output that is the kernel's last one; `None` where that is summed over."""
        return -1

    def _output_scale(self, input_scale: Array, kernel_scale: Array) -> Array:
        """Return the scale of the output, given scales that have size 1 on what is summed over."""
        return input_scale * kernel_scale

    def _keep_scale(self, scale: Array) -> Array:
        """Return a scale in the kernel's axes in the shape in which the layer keeps it."""
        return ops.squeeze(scale, self._summed_axes())

    def _kept_scale(self, scale: Array) -> Array:
        """Return a kept scale in the kernel's axes."""
        return ops.expand_dims(scale, self._summed_axes())

    # -- the kernel -----------------------------------------------------------------------------------------------

    def _stored_places(self) -> dict[str, Variable]:
        # Keras's files have the kernel first, and no factors.
        kernel = vars(self).get("_kernel")
        factors = dict(zip("ab", self._factors(), strict=True)) if self.lora_enabled else {}
        apart = [] if kernel is None else [kernel, *factors.values()]
        others = [v for v in self._own_weights() if not any(v is x for x in apart)]
        numbered = {str(i): v for i, v in enumerate([*apart[:1], *others])}
        if not factors:
            return numbered
        apart_by_name = {"kernel": numbered.pop("0"), **factors}
        return numbered | {f"{FACTORS}/{name}": v for name, v in apart_by_name.items()}

    def _stored_besides(self) -> dict[str, Any]:
        # What Keras reads is the kernel with the product in it. One of whole numbers would have to be rounded anew.
        merged = self.lora_enabled and self.quantization_mode is None
        return {"0": self._float_kernel()} if merged else {}

    def _set_kernel_settings(
        self, lora_rank: int | None, lora_alpha: float | None, quantization_config: Any = None
    ) -> None:
        if lora_rank is not None:
            self.lora_rank = positive_int(self, lora_rank=lora_rank)
            self.lora_alpha = self.lora_rank
        if lora_alpha is not None:
            self.lora_alpha = not_negative(self, lora_alpha=lora_alpha)
        if quantization_config is not None:
            self.quantization_config = config_of(None, quantization_config, type(self).__name__)

    def _add_kernel(self, shape: Any) -> None:
        """Make the kernel in the form that the dtype policy says."""
        self._kernel_shape = tuple(shape)
        form = self._form()
        if form is None or form.keeps_floats:
            setattr(self, self._kernel_name, self._add_set_weight(self._kernel_name, shape))
        else:
            form.add(self)

    def _finish_kernel(self) -> None:
        """Make what stands behind the layer's other weights: the end of `build`."""
        form = self._form()
        if form is not None and form.keeps_floats:
            form.add(self)
        if self.lora_rank is not None:
            self._refuse_constraint()
            self._add_factors("he_uniform", "zeros")

    def _form(self) -> Form | None:
        """Return the form that the kernel is quantized in."""
        mode = self.quantization_mode
        if mode is not None and mode not in FORMS:
            raise NotImplementedError(
                f"{self._where} has the dtype policy {self._own_policy().name!r}: kernels quantized by {mode!r} are "
                "not read here. 'int8' and 'int4' are."
            )
        return None if mode is None else FORMS[mode]

    @property
    def _where(self) -> str:
        return f"Layer {self.path!r} ({type(self).__name__})"

    @property
    def is_plain(self) -> bool:
        """Whether the kernel is one variable of floats: without factors of low rank, and not quantized."""
        return not self.lora_enabled and self.quantization_mode is None

    def _linear(self, inputs: Array) -> Array:
        """Return what the layer makes of its inputs: all but the bias and the activation."""
        form = self._form()
        outputs = (
            self._apply(inputs, self._kernel) if form is None else self._from_form(form, inputs)
        )
        return outputs + self._low_rank(inputs) if self.lora_enabled else outputs

    def _from_form(self, form: Form, inputs: Array) -> Array:
        return form.outputs(self, inputs)

    def _kernel_now(self) -> Any:
        """Return the kernel as the attribute reads."""
        form = self._form()
        return (
            form.shown(self) if form is not None and not self.lora_enabled else self._float_kernel()
        )

    def _float_kernel(self) -> Any:
        """Return the kernel in floats, with what factors add to it: what the layer's output is linear in."""
        form = self._form()
        kernel: Any = self._kernel if form is None else form.floats(self)
        return kernel + self._product() if self.lora_enabled else kernel

    # -- factors of low rank --------------------------------------------------------------------------------------

    def enable_lora(
        self,
        rank: int,
        lora_alpha: float | None = None,
        a_initializer: Any = "he_uniform",
        b_initializer: Any = "zeros",
    ) -> None:
        """Freeze the kernel, and train a product of two small matrices that is added to it.

        Args:
            rank: The factors' rank.
            lora_alpha: The product counts `lora_alpha / rank` times; once where it is `None`.
            a_initializer: How the first factor is drawn.
            b_initializer: How the second one is drawn; with zeros the layer computes at first what it did.

        Raises:
            ValueError: The layer is not built, has such factors already, is being called, or has a constraint on its
                kernel; or `rank` is no whole number above zero.

        Reference:
            Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021, https://arxiv.org/abs/2106.09685
        """
        wanted = f"{self._where} cannot get factors of low rank"
        if not self.built:
            raise ValueError(
                f"{wanted}: it is not built. Call it on data, or `build(input_shape)`, first; or make it with "
                f"`lora_rank={rank!r}`."
            )
        if self.lora_enabled:
            raise ValueError(
                f"{wanted}: it has them, of rank {self.lora_rank}, and they come once. For another rank make the "
                "layer anew."
            )
        if not is_whole(rank, least=1):
            raise ValueError(f"{wanted}: `rank` is a whole number above zero; got {rank!r}.")
        self._refuse_inside_call(wanted)
        self._refuse_constraint()
        alpha = rank if lora_alpha is None else not_negative(self, lora_alpha=lora_alpha)
        self.lora_rank, self.lora_alpha = int(rank), alpha
        self._add_factors(a_initializer, b_initializer)

    def _refuse_inside_call(self, wanted: str) -> None:
        if current_frame().layers or current_frame().scopes:
            raise ValueError(
                f"{wanted} while a layer or model is being called, whose weights are fixed meanwhile. Do it before, "
                "and `compile` after it."
            )

    def _refuse_constraint(self) -> None:
        if getattr(self, f"{self._kernel_name}_constraint") is not None:
            raise ValueError(
                f"{self._where}: a constraint on the kernel does not hold for factors that are added to it. Leave "
                f"`{self._kernel_name}_constraint` out."
            )

    def _add_factors(self, a_initializer: Any, b_initializer: Any) -> None:
        *inner, last = self._kernel_shape
        shapes = {"a": (*inner, self.lora_rank), "b": (self.lora_rank, last)}
        drawn = {"a": a_initializer, "b": b_initializer}
        regularizer = getattr(self, f"{self._kernel_name}_regularizer")
        for factor, shape in shapes.items():
            name = f"lora_{self._kernel_name}_{factor}"
            variable = self.add_weight(
                shape, name=name, initializer=drawn[factor], regularizer=regularizer
            )
            setattr(self, name, variable)
        self._kernel.trainable = False
        self.lora_enabled = True

    def _factors(self) -> tuple[Variable, Variable]:
        a, b = (getattr(self, f"lora_{self._kernel_name}_{factor}") for factor in "ab")
        return a, b

    @property
    def _lora_scale(self) -> float:
        assert self.lora_rank is not None and self.lora_alpha is not None
        return self.lora_alpha / self.lora_rank

    def _product(self) -> Array:
        """Return what is added to the kernel."""
        return self._lora_scale * ops.matmul(*self._factors())

    def _low_rank(self, inputs: Array) -> Array:
        """Return what the factors add to the output, without making their product where that can be."""
        a, b = self._factors()
        axis = self._factored_axis()
        if axis is None:
            return self._apply(inputs, self._product())
        low = ops.moveaxis(self._apply(inputs, a), axis, -1)
        return ops.moveaxis(self._lora_scale * ops.matmul(low, b), -1, axis)

    # -- quantization ---------------------------------------------------------------------------------------------

    def quantize(
        self, mode: str | None = None, type_check: bool = True, config: Any = None
    ) -> None:
        """Keep the kernel in fewer bits, and compute with that.

        Args:
            mode: `"int8"`, `"int4"` or `"float8"`.
            type_check: Whether to refuse a subclass that is not the library's, whose `call` may use the kernel in
                another way.
            config: A `QuantizationConfig` in place of the mode, or besides it.

        Raises:
            ValueError: The layer is not built, quantized already or being called; or there is no such mode.
            NotImplementedError: The layer has nothing to quantize, or is a subclass with `type_check`.

        Example:
            >>> import numpy as np
            >>> from trivium.layers import Dense
            >>> layer = Dense(3)
            >>> _ = layer(np.ones((1, 4)))
            >>> layer.quantize("int8")
            >>> [(w.name, w.dtype) for w in layer.weights]
            [('bias', 'float32'), ('kernel', 'int8'), ('kernel_scale', 'float32')]
        """
        chosen = config_of(mode, config, self._where)
        self._quantized(chosen, self._check_quantizable(chosen, type_check))()

    def _quantized(self, config: QuantizationConfig, policy: DTypePolicy) -> Callable[[], None]:
        """Compute the quantized kernel, and return what has the layer take it.

        Several layers compute theirs before the first one takes its own, since a quantizer of the user's may fail.

        Args:
            config: The config.
            policy: The dtype policy to come.
        """
        form = FORMS[config.mode]
        values = form.written(self, config)

        def take() -> None:
            if not form.keeps_floats:
                self._added[:] = [v for v in self._added if v is not self._kernel]
            self.quantization_config = config
            if isinstance(self.dtype_policy, DTypePolicyMap):
                self.dtype_policy.pop(self.path, None)
                self.dtype_policy[self.path] = policy
            else:
                self.dtype_policy = policy
            form.add(self)
            for variable, value in zip(form.variables(self), values, strict=True):
                variable.assign(value)

        return take

    def _check_quantizable(self, config: QuantizationConfig, type_check: bool) -> DTypePolicy:
        """Refuse what cannot be quantized, before anything is changed; return the dtype policy to come."""
        wanted = f"{self._where} cannot be quantized"
        if type_check and not is_ours(type(self).__module__):
            raise NotImplementedError(
                f"{wanted}: its class is yours, and its `call` may use the kernel in a way of its own. If it leaves "
                "that to the class before it, pass `type_check=False`."
            )
        if not self.built:
            raise ValueError(
                f"{wanted}: it is not built. Call it on data, or `build(input_shape)`, first; or make it with "
                f"`dtype='{config.policy_mode}_from_{self._own_policy().name}'`."
            )
        if self.quantization_mode is not None:
            raise ValueError(
                f"{wanted} to {config.mode!r}: it is quantized, with the dtype policy "
                f"{self._own_policy().name!r}. Quantize the layer that it was before; to leave it as it is among "
                "others, give `model.quantize` the filter "
                "`lambda layer: getattr(layer, 'quantization_mode', None) is None`."
            )
        FORMS[config.mode].check(self)
        self._refuse_inside_call(wanted)
        try:
            return get_policy(f"{config.policy_mode}_from_{self._own_policy().name}")
        except ValueError as error:
            raise ValueError(f"{wanted}: {error}") from error

    def _quantizer(self, which: str, default: Any) -> Any:
        """Return what quantizes the kernel (`weight`) or the inputs (`activation`)."""
        config = self.quantization_config
        return get_quantizer(
            getattr(QuantizationConfig, f"{which}_quantizer_or_default")(config, default)
        )
