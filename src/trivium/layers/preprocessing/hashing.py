"""Layers that give categories their numbers by a hash: no vocabulary, and now and then one number for two."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from trivium.data.fingerprints import combined, farmhash64, siphash64
from trivium.data.texts import TEXT, is_text
from trivium.graph import SymbolicTensor
from trivium.layers.checks import positive_int
from trivium.layers.host import HostLayer
from trivium.layers.preprocessing.encodings import encode, encoded_shape
from trivium.layers.preprocessing.settings import chosen, dense_only, salt_of
from trivium.layers.registry import LAYERS
from trivium.state.dtypes import floatx, is_float

__all__ = ["HashedCrossing", "Hashing"]


class _Binned(HostLayer):
    """What both layers share: bins on the host, vectors of them on the device."""

    _modes: ClassVar[tuple[str, ...]]

    @property
    def _takes_entries(self) -> bool:  # type: ignore[override]
        return bool(self.output_mode == "int")

    def __init__(self, num_bins: int, output_mode: str, sparse: bool, **kwargs: Any) -> None:
        mode = chosen(self, self._modes, output_mode=output_mode)
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if mode == "int" else floatx()
        super().__init__(**kwargs)
        self._set(
            num_bins=positive_int(self, num_bins=num_bins), output_mode=mode,
            sparse=dense_only(self, sparse),
        )  # fmt: skip
        if mode == "int" and self.dtype_policy.name not in ("int32", "int64"):
            raise ValueError(
                f"{type(self).__name__}: with `output_mode='int'` the `dtype` is 'int32' or 'int64'; got "
                f"{self.dtype_policy.name!r}."
            )

    @property
    def output_dtype(self) -> str:  # type: ignore[override]
        """The dtype of the output."""
        return str(self.dtype_policy.compute_dtype)

    @property
    def has_device_part(self) -> bool:
        """Whether vectors are made of the bins, which is the device's."""
        return self.output_mode != "int"

    def finish(self, bins: Any) -> Any:
        """Return bins in the output mode."""
        return encode(bins, self.output_mode, self.num_bins, self.output_dtype)

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        return self.finish(*self.prepare(inputs))


@LAYERS.register()
class Hashing(_Binned):
    """Words or whole numbers to one of so many bins, by their hash.

    It runs on the host, whatever its inputs: a number is hashed as the text of its digits, as in Keras.

    Args:
        num_bins: How many bins there are, that for `mask_value` included.
        mask_value: A value that gets bin 0, to itself.
        salt: One or two whole numbers: the hash is then SipHash with these as its key, and FarmHash without.
        output_mode: `"int"` for the bin's number; `"one_hot"`, a vector for each value; `"multi_hot"` and `"count"`, a
            vector for all values of a sample.
        sparse: Kept for Keras's signature: JAX's arrays are dense.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `num_bins` is no whole number above zero, or another setting is none that there is.

    Shapes:
        Any; `"int"`: the same. Else `(..., n)` to `(..., num_bins)`, and of `"one_hot"` `(...)` to `(..., num_bins)`
        unless `n` is 1.

    Example:
        >>> Hashing(num_bins=3)([["A"], ["B"], ["C"], ["D"], ["E"]]).tolist()
        [[1], [0], [1], [1], [2]]

    Reference:
        Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009.
    """

    _modes = ("int", "one_hot", "multi_hot", "count")

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_bins, output_mode, sparse, **kwargs)
        self._set(mask_value=mask_value, salt=salt_of(self, salt))

    def prepare(self, inputs: Any) -> tuple[Any, ...]:
        """Return the number of each value's bin."""
        masked = self.mask_value is not None and self.num_bins > 1
        hashes = self._hashes(_texts_of(inputs))
        bins = (hashes % np.uint64(self.num_bins - masked)).astype(np.int32) + np.int32(masked)
        return (np.where(inputs == self.mask_value, 0, bins).astype(np.int32) if masked else bins,)

    def _hashes(self, texts: np.ndarray) -> np.ndarray:
        return farmhash64(texts) if self.salt is None else siphash64(texts, self.salt)

    def prepared_spec(self, inputs: Any) -> tuple[Any, ...]:
        """Say what `prepare` gives: a whole number for each value."""
        return (SymbolicTensor(inputs.dims, "int32"),)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output."""
        return encoded_shape(input_shape, self.output_mode, self.num_bins)


@LAYERS.register()
class HashedCrossing(_Binned):
    """Pairs of values (or more than two) to one of so many bins, by the hash of their combination.

    Args:
        num_bins: How many bins there are.
        output_mode: `"int"` for the bin's number, `"one_hot"` for a vector.
        sparse: Kept for Keras's signature: JAX's arrays are dense.
        name: A name.
        dtype: The output's dtype.
        kwargs: `trainable`, as for every layer.

    Raises:
        ValueError: `num_bins` is no whole number above zero, or another setting is none that there is.

    Shapes:
        A list of `(batch,)` or `(batch, 1)`, all the same, or scalars; to that, or to `(batch, num_bins)`.

    Example:
        >>> HashedCrossing(num_bins=5)((["A", "B"], [101, 102])).tolist()
        [1, 1]
    """

    _unwritten = HostLayer._unwritten | {"trainable"}
    _modes = ("int", "one_hot")
    _HASH_KEY = np.uint64(0xDECAFCAFFE)  # TensorFlow's.

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_bins, output_mode, sparse, name=name, dtype=dtype, **kwargs)

    def _of_host(self, x: Any) -> Any:
        # A list is several inputs, also where each is a list of words.
        of_host = super()._of_host
        return list(map(of_host, x)) if isinstance(x, list | tuple) else of_host(x)

    def prepare(self, inputs: Any) -> tuple[Any, ...]:
        """Return the number of each combination's bin."""
        self._check_shapes(inputs)
        found = np.full(np.shape(inputs[0]), self._HASH_KEY)
        for x in inputs:
            if not is_text(x) and x.dtype.kind not in "iub":
                raise TypeError(
                    f"Layer {self.path!r} (HashedCrossing) takes whole numbers and text; got {x.dtype}."
                )
            found = combined(found, farmhash64(x) if is_text(x) else x.astype(np.int64).view(np.uint64))  # fmt: skip
        return ((found % np.uint64(self.num_bins)).astype(np.int32),)

    def _check_shapes(self, inputs: Any) -> None:
        several = isinstance(inputs, list | tuple) and len(inputs) > 1
        shapes = [tuple(x.shape) for x in inputs] if several else []
        if not several or len(set(shapes)) > 1 or len(shapes[0]) > 2 or shapes[0][1:] not in ((), (1,)):  # fmt: skip
            raise ValueError(
                f"Layer {self.path!r} (HashedCrossing) takes a list of at least two arrays, all of shape (batch,) or "
                f"(batch, 1), or scalars; got {f'shapes {shapes}' if several else repr(inputs)[:80]}."
            )

    def prepared_spec(self, inputs: Any) -> tuple[Any, ...]:
        """Say what `prepare` gives: a whole number for each combination."""
        return (SymbolicTensor(inputs[0].dims, "int32"),)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output."""
        shape = tuple(input_shape[0])
        if self.output_mode == "int":
            return shape
        return (*(shape[:-1] if len(shape) > 1 else shape), self.num_bins)

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return a symbolic tensor like the output."""
        self._check_shapes(inputs)
        return self._declared(self.compute_output_shape([x.dims for x in inputs]))


def _texts_of(values: Any) -> np.ndarray:
    """Return numbers as the text of their digits, cut to whole ones."""
    if is_text(values):
        return np.asarray(values)
    whole = values.astype(np.int64) if is_float(values.dtype) else values
    return np.array(list(map(str, whole.ravel().tolist())), TEXT).reshape(whole.shape)
