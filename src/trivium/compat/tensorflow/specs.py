"""`tf.TensorSpec`, `tf.RaggedTensorSpec`, `tf.SparseTensorSpec`: what is known of tensors before there are any."""

from __future__ import annotations

from typing import Any, Self

import jax

from trivium import ops
from trivium.compat.tensorflow.dtypes import DType, as_dtype
from trivium.compat.tensorflow.shapes import TensorShape
from trivium.compat.written import covers
from trivium.data.kinds import AnyRows, AnySparse
from trivium.data.ragged import RaggedArray
from trivium.state.types import DType as AnyDType
from trivium.state.types import Shape
from trivium.state.variable import Variable

__all__ = ["RaggedTensorSpec", "SparseTensorSpec", "TensorSpec", "TypeSpec", "narrow", "spec_of"]


@covers("tensorflow.TypeSpec")
class TypeSpec:
    """What is known of a tensor: its shape and dtype.

    Args:
        shape: Its shape, with `None` for sizes that are not known; `None` where not even the rank is.
        dtype: Its dtype.
    """

    def __init__(self, shape: Shape | None = None, dtype: AnyDType = "float32") -> None:
        self.shape = TensorShape(shape)
        self.dtype = as_dtype(dtype)

    def _said(self) -> tuple[Any, ...]:
        """Return what two that are equal say alike."""
        return self.shape, str(self.dtype)

    @classmethod
    def from_value(cls, value: Any) -> Self:
        """Return what is known of a tensor."""
        return cls(value.shape, value.dtype)

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Say whether a tensor, or each that another spec describes, may be meant by this one."""
        other = spec_or_value
        if not isinstance(other, TypeSpec):
            other = spec_of(other)
        return (
            isinstance(other, type(self))
            and narrow(self.dtype) == narrow(other.dtype)
            and self._fits(other)
        )

    def _fits(self, other: Any) -> bool:
        return self.shape.is_compatible_with(other.shape)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._said() == other._said()

    def __hash__(self) -> int:
        return hash((type(self), self._said()))


@covers("tensorflow.TensorSpec")
class TensorSpec(TypeSpec):
    """What is known of a dense tensor, or of strings.

    Args:
        shape: Its shape.
        dtype: Its dtype.
        name: What it is called.

    Example:
        >>> TensorSpec([None, 2], "int32")
        TensorSpec(shape=(None, 2), dtype=tf.int32, name=None)
    """

    def __init__(
        self, shape: Shape | None, dtype: AnyDType = "float32", name: str | None = None
    ) -> None:
        super().__init__(shape, dtype)
        self.name = name

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> Self:
        """Return what is known of a tensor."""
        return cls(tensor.shape, tensor.dtype, name)

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> Self:
        """Return one that says what another does, and a name."""
        return cls(spec.shape, spec.dtype, name or getattr(spec, "name", None))

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self.shape}, dtype=tf.{self.dtype}, name={self.name!r})"


@covers("tensorflow.RaggedTensorSpec")
class RaggedTensorSpec(TypeSpec):
    """What is known of rows of several lengths.

    Args:
        shape: Their shape, with `None` for the axes that are ragged.
        dtype: The dtype of the entries.
        ragged_rank: How many axes are ragged; all but the first, if it is not said.
        row_splits_dtype: The dtype of the numbers that say where rows end.

    Example:
        >>> spec = RaggedTensorSpec([None, None], "int32")
        >>> spec, spec.is_compatible_with(RaggedArray([1, 2], [0, 2, 2]))
        (RaggedTensorSpec(TensorShape([None, None]), tf.int32, 1, tf.int64), True)
    """

    def __init__(
        self,
        shape: Shape | None = None,
        dtype: AnyDType = "float32",
        ragged_rank: int | None = None,
        row_splits_dtype: AnyDType = "int64",
    ) -> None:
        super().__init__(shape, dtype)
        if ragged_rank is None:
            if self.shape.rank is None:
                raise ValueError("RaggedTensorSpec: give `ragged_rank`, or a `shape`.")
            ragged_rank = len(self.shape) - 1
        if self.shape.rank is not None and ragged_rank >= max(len(self.shape), 1):
            raise ValueError(
                f"RaggedTensorSpec: `ragged_rank` is below the number of axes, which is {len(self.shape)} in "
                f"{self.shape}; got {ragged_rank}."
            )
        self.ragged_rank, self.row_splits_dtype = int(ragged_rank), as_dtype(row_splits_dtype)
        self.value_type = RaggedArray

    @classmethod
    def from_value(cls, value: RaggedArray) -> Self:
        """Return what is known of rows."""
        return cls(value.shape, value.dtype, value.ragged_rank)

    def _said(self) -> tuple[Any, ...]:
        return *super()._said(), self.ragged_rank

    def _fits(self, other: Any) -> bool:
        return self.ragged_rank == other.ragged_rank and super()._fits(other)

    def __repr__(self) -> str:
        return f"RaggedTensorSpec({self.shape!r}, tf.{self.dtype}, {self.ragged_rank}, tf.{self.row_splits_dtype})"


@covers("tensorflow.SparseTensorSpec")
class SparseTensorSpec(TypeSpec):
    """What is known of a sparse array.

    Example:
        >>> SparseTensorSpec([2, None])
        SparseTensorSpec(TensorShape([2, None]), tf.float32)
    """

    def __repr__(self) -> str:
        return f"SparseTensorSpec({self.shape!r}, tf.{self.dtype})"


_SPECS = {AnyRows: RaggedTensorSpec, AnySparse: SparseTensorSpec}


@covers("tensorflow.type_spec_from_value")
def spec_of(value: Any) -> TypeSpec:
    """Return what is known of a tensor of any kind.

    Args:
        value: It, or numbers that one can be made of.

    Example:
        >>> from trivium.data.sparse import SparseArray
        >>> from trivium.data.strings import StringArray
        >>> spec_of(SparseArray([[0, 1]], [2.0], [1, 3])), spec_of(StringArray("a")).dtype
        (SparseTensorSpec(TensorShape([1, 3]), tf.float32), 'string')
    """
    for kind, spec in _SPECS.items():
        if isinstance(value, kind):
            return spec.from_value(value)  # type: ignore[attr-defined]
    tensor = value if hasattr(value, "shape") else ops.convert_to_tensor(value)
    return TensorSpec(
        tensor.shape, tensor.dtype, value.name if isinstance(value, Variable) else None
    )


def narrow(dtype: DType) -> str:
    """Return what stands for a dtype here: the wide ones are narrow, unless JAX's 64-bit mode is on.

    Example:
        >>> narrow(DType("int64")), narrow(DType("string"))
        ('int32', 'string')
    """
    return str(dtype) if dtype == "string" else str(jax.dtypes.canonicalize_dtype(str(dtype)))
