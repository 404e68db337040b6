"""Layers of the host: what cannot be traced, text above all, runs in NumPy, ahead of the device."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.data.kinds import AnyRows, AnySparse
from trivium.data.texts import as_texts, given_out, holds_text, is_text
from trivium.graph import SymbolicTensor, is_symbolic
from trivium.layers.base import Layer
from trivium.state.placing import to_device
from trivium.state.scopes import only_shapes
from trivium.state.trees import map_leaves, map_tree

__all__ = ["HostLayer"]


class HostLayer(Layer):
    """A layer whose `call` runs in NumPy on the host, instead of being traced.

    It gets NumPy arrays (text as arrays of NumPy's `StringDType`) and returns such. Since nobody can trace it, it
    *declares* what it gives out, in `compute_output_spec` or in `compute_output_shape` and `output_dtype`. In a graph
    it is a node like any other. A model with such layers trains, predicts and is saved as all models are: what they do
    is done to the data ahead of the device, row by row, and the rest of the model is compiled. So what a row becomes
    must not depend on the rows beside it, nor on chance.

    Args:
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Example:
        >>> class Length(HostLayer):
        ...     output_dtype = "int32"
        ...     def call(self, texts):
        ...         return np.strings.str_len(texts)
        >>> Length()(["a", "four"]).tolist()
        [1, 4]
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((1,), dtype="string"), Length(), tv.layers.Rescaling(0.5)])
        >>> model.predict(np.array([["a"], ["four"]]), verbose=0).tolist()
        [[0.5], [2.0]]
    """

    _stateless = True

    # What `compute_output_spec` says by default, of outputs of the input's shape.
    output_dtype = "float32"

    @property
    def on_host(self) -> bool:
        """Whether the layer runs on the host: some do for some settings only."""
        return True

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output: the input's, unless a subclass says something else.

        Args:
            input_shape: The shape of the input, `None` for unknown sizes.
        """
        return tuple(input_shape)

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return symbolic tensors like the outputs: what the layer declares.

        Args:
            inputs: The inputs, symbolic.
        """
        if not self.on_host:
            return super().compute_output_spec(inputs)
        return self._declared(self.compute_output_shape(inputs.dims))

    def _declared(self, shape: Any) -> SymbolicTensor:
        dtype = self.output_dtype
        narrow = dtype if dtype == "string" else str(jax.dtypes.canonicalize_dtype(dtype))
        return SymbolicTensor(shape, narrow)

    def on_arrays(self, *args: Any, **kwargs: Any) -> Any:
        """Return what `call` gives for arrays of the host, as arrays of the host.

        Args:
            args: What `call` takes.
            kwargs: Likewise.
        """
        return map_leaves(_as_declared, self.call(*args, **kwargs))

    def description(self) -> str:
        """Return what two layers share exactly when they are made alike: all settings, and no name.

        What a layer has learned by `adapt` is no more in it than weights are in a model's fingerprint.
        """
        try:
            config = self.get_config()
        except (NotImplementedError, TypeError, ValueError):
            config = {}  # What no config can hold has no description but its class.
        learned = ("name", "trainable", "vocabulary_size")
        said = {k: str(v) for k, v in config.items() if k not in learned}
        return f"{type(self).__name__} {sorted(said.items())}"

    # -- layers of which the host does a part alone -------------------------------------------------------------

    @property
    def has_device_part(self) -> bool:
        """Whether `call` is `finish(*prepare(...))`, of which only `prepare` needs the host: `finish` compiles."""
        return False

    def prepare(self, *args: Any) -> tuple[Any, ...]:
        """Return what the host makes of the inputs, as arrays.

        Args:
            args: What `call` takes.
        """
        raise NotImplementedError

    def prepared_spec(self, *args: Any) -> tuple[Any, ...]:
        """Return symbolic tensors like what `prepare` gives.

        Args:
            args: Symbolic tensors, as for a call.
        """
        raise NotImplementedError

    def finish(self, *values: Any) -> Any:
        """Return the output, from what `prepare` gave.

        Args:
            values: The arrays.
        """
        raise NotImplementedError

    def _cast(self, tree: Any) -> Any:
        """Make arrays of the host of what is none yet: texts and numbers in lists, and JAX's."""
        if not self.on_host:
            return super()._cast(tree)
        args, kwargs = tree
        return tuple(self._of_host(a) for a in args), {k: self._of_host(v) for k, v in kwargs.items()}  # fmt: skip

    def _of_host(self, x: Any) -> Any:
        if isinstance(x, jax.core.Tracer) or x is None or is_symbolic(x) or is_text(x):
            return x
        if isinstance(x, AnySparse):
            return np.asarray(x.to_dense())  # type: ignore[attr-defined]
        if isinstance(x, dict):
            return {k: self._of_host(v) for k, v in x.items()}
        if holds_text(x):
            return as_texts(x, "inputs", getattr(self, "encoding", "utf-8"))
        if isinstance(x, list | tuple) and any(hasattr(v, "shape") or holds_text(v) for v in x):
            return type(x)(self._of_host(v) for v in x)
        return np.asarray(x) if not isinstance(x, bool) else x

    def _run(self, args: Any, kwargs: Any) -> Any:
        if not self.on_host:
            return super()._run(args, kwargs)
        leaves = jax.tree_util.tree_leaves((args, kwargs))
        traced = any(isinstance(x, jax.core.Tracer) for x in leaves)
        if traced or any(map(is_symbolic, leaves)):
            if not only_shapes():
                raise TypeError(
                    f"Layer {self.path!r} ({type(self).__name__}) runs on the host, and was called inside a function "
                    "that JAX traces (`jax.jit`, `jax.grad`, a loop of `ops`), where its input has no values. Call it "
                    "outside, on the data; or leave it in a model, whose `fit` and `predict` do that by themselves."
                )
            declared = self.compute_output_spec(
                *map_tree(_symbol, args), **map_tree(_symbol, kwargs)
            )
            return map_tree(_blank, declared)
        if self.has_device_part:
            return self.finish(*map_tree(_on_device, map_leaves(_as_declared, self.prepare(*args))))
        return map_tree(_on_device, self.on_arrays(*args, **kwargs))


def _symbol(x: Any) -> Any:
    known = not hasattr(x, "dtype") or is_symbolic(x)
    return x if known else SymbolicTensor(np.shape(x) if is_text(x) else x.shape, x.dtype)


def _blank(declared: SymbolicTensor) -> Any:
    return declared if declared.is_text else jnp.zeros(declared.dims, declared.dtype)


def _as_declared(x: Any) -> Any:
    """Return a result in the dtype that JAX has for it; text in ours."""
    if is_text(x) or isinstance(x, AnyRows):
        return x
    x = np.asarray(x)
    if x.dtype.kind in "USO":
        return as_texts(x, "outputs")
    return x.astype(jax.dtypes.canonicalize_dtype(x.dtype), copy=False)


def _on_device(x: Any) -> Any:
    if isinstance(x, AnyRows):
        return x
    return given_out(x) if is_text(x) else to_device(x)
