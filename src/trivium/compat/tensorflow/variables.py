"""Variables of which parts are given new values, what holds them, and gradients of parts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from trivium import ops
from trivium.compat.tensorflow.attached import Attached
from trivium.compat.tensorflow.checks import check_indices, check_places
from trivium.compat.written import covers
from trivium.layers import Layer
from trivium.state import Variable, to_snake_case
from trivium.state.functions import needs_plain_run

__all__ = ["PartlyAssigned"]


@covers("tensorflow.IndexedSlices")
class IndexedSlices(NamedTuple):
    """Values for some of the places along an array's first axis."""

    values: Any
    indices: Any
    dense_shape: Any = None


def _called(how: str) -> str:
    """Return TensorFlow's word for what JAX does to a part."""
    words = {"set": "update", "subtract": "sub", "multiply": "mul", "divide": "div"}
    return words.get(how, how)


def _by_slices(how: str) -> Callable[..., Any]:
    """Return a method that changes the parts that an `IndexedSlices` names."""

    def change(
        self: Variable, sparse_delta: Any, use_locking: bool = False, name: Any = None
    ) -> Any:
        values = jnp.asarray(sparse_delta.values, self.kept_dtype)
        check_indices(f"tf.Variable.scatter_{_called(how)}", sparse_delta.indices, self.shape[0])
        place = self.value.at[jnp.asarray(sparse_delta.indices)]
        return _given(self, getattr(place, how)(values))

    return change


def _by_places(how: str) -> Callable[..., Any]:
    """Return a method that changes the parts that the rows of an array name."""

    def change(self: Variable, indices: Any, updates: Any, name: Any = None) -> Any:
        check_places(f"tf.Variable.scatter_nd_{_called(how)}", indices, self.shape)
        place = self.value.at[_places(indices)]
        return _given(self, getattr(place, how)(jnp.asarray(updates, self.kept_dtype)))

    return change


def _places(indices: Any) -> tuple[Any, ...]:
    return tuple(jnp.moveaxis(jnp.asarray(indices), -1, 0))


def _given(variable: Variable, value: Any) -> Any:
    variable.assign(value)
    return variable.value


class PartlyAssigned(Variable):
    """A variable with TensorFlow's methods for parts of it.

    Example:
        >>> v = PartlyAssigned([1.0, 2.0, 3.0])
        >>> v.scatter_add(IndexedSlices([10.0], [1])).tolist()
        [1.0, 12.0, 3.0]
    """

    def __init__(self, initializer: Any, **kwargs: Any) -> None:
        if isinstance(initializer, jax.core.Tracer):
            needs_plain_run("a variable is made of an array there", always=False)
        super().__init__(initializer, **kwargs)

    scatter_update = _by_slices("set")
    batch_scatter_update = _by_slices("set")
    scatter_add = _by_slices("add")
    scatter_sub = _by_slices("subtract")
    scatter_mul = _by_slices("multiply")
    scatter_div = _by_slices("divide")
    scatter_max = _by_slices("max")
    scatter_min = _by_slices("min")
    scatter_nd_update = _by_places("set")
    scatter_nd_add = _by_places("add")
    scatter_nd_sub = _by_places("subtract")

    def sparse_read(self, indices: Any, name: Any = None) -> Any:
        """Return the parts at some places of the first axis."""
        check_indices("tf.Variable.sparse_read", indices, self.shape[0])
        return ops.take(self.value, indices, axis=0)

    def gather_nd(self, indices: Any, name: Any = None) -> Any:
        """Return the parts at some places, each a row of `indices`."""
        check_places("tf.Variable.gather_nd", indices, self.shape)
        return self.value[_places(indices)]


@covers("tensorflow.Module")
class Module(Attached):
    """Something that holds variables, layers and other modules among its attributes.

    Example:
        >>> module = Module(name="net")
        >>> module.w = Variable(1.0)
        >>> len(module.trainable_variables), module.name
        (1, 'net')
    """

    def __init__(self, name: str | None = None) -> None:
        self._module_name = name or to_snake_case(type(self).__name__)

    @property
    def name(self) -> str:
        return str(vars(self).get("_module_name", to_snake_case(type(self).__name__)))

    @property
    def name_scope(self) -> Any:
        return contextlib.nullcontext(f"{self.name}/")

    @classmethod
    def with_name_scope(cls, method: Any) -> Any:
        return method

    def _held(self) -> list[Any]:
        """Return the variables, layers and modules among the attributes, sorted by the attributes' names."""
        return [x for _, value in sorted(vars(self).items()) for x in _held_in(value)]

    def _flat(self) -> list[Any]:
        """Return what it holds, its own variables ahead of those inside of modules and layers."""
        found: dict[int, Any] = {}
        waiting: list[Any] = [self]
        seen = {id(self)}
        while waiting:
            held = waiting.pop(0)
            parts = held._held() if isinstance(held, Module) else list(held.variables)
            for part in parts:
                if isinstance(part, Variable):
                    found.setdefault(id(part), part)
                elif id(part) not in seen:
                    seen.add(id(part))
                    waiting.append(part)
        return list(found.values())

    @property
    def variables(self) -> tuple[Any, ...]:
        return tuple(self._flat())

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        return tuple(v for v in self._flat() if v.trainable)

    @property
    def non_trainable_variables(self) -> tuple[Any, ...]:
        return tuple(v for v in self._flat() if not v.trainable)

    @property
    def submodules(self) -> tuple[Any, ...]:
        found: dict[int, Any] = {}
        waiting: list[Any] = [self]
        while waiting:
            held = waiting.pop(0)
            if isinstance(held, Module):
                inner = [x for x in held._held() if not isinstance(x, Variable)]
            else:
                inner = held._flatten_layers(include_self=False)
            for part in inner:
                if part is not self and id(part) not in found:
                    found[id(part)] = part
                    waiting.append(part)
        return tuple(found.values())


def _held_in(value: Any) -> list[Any]:
    if isinstance(value, Variable | Layer | Module):
        return [value]
    if isinstance(value, dict):
        return [x for _, v in sorted(value.items(), key=lambda e: str(e[0])) for x in _held_in(v)]
    if isinstance(value, list | tuple):
        return [x for v in value for x in _held_in(v)]
    return []
