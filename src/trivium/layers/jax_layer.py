"""Layers whose work functions of JAX or modules of Flax do."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import keystr, tree_flatten, tree_map, tree_map_with_path

from trivium.layers.base import Layer
from trivium.layers.building import symbolic_of
from trivium.layers.checks import known, refuse_unregistered
from trivium.layers.registry import LAYERS
from trivium.random import SeedGenerator
from trivium.state import Variable

__all__ = ["FlaxLayer", "JaxLayer"]

_CALL = {"params", "state", "rng", "inputs", "training"}
_INIT = {"rng", "inputs", "training"}


class _Drawn:
    """The initializer of a variable whose first value `init_fn` draws, together with those of others.

    Args:
        layer: The layer.
        place: Which of the arrays it is.
    """

    def __init__(self, layer: JaxLayer, place: int) -> None:
        self.layer, self.place = layer, place

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return self.layer._first(self.place)

    def get_config(self) -> dict[str, Any]:
        """Return what the value follows from, for fingerprints."""
        function = self.layer.init_fn
        name = getattr(function, "__qualname__", type(function).__name__)
        return {"init_fn": name, "place": self.place, "seed": self.layer.seed}


@LAYERS.register()
class JaxLayer(Layer):
    """A layer whose work a pure function of JAX does; its parameters and its state are the layer's weights.

    Args:
        call_fn: The function. It takes `inputs`, and of these by name what it needs: `params` (trained), `state` (not
            trained), `rng` (a random key) and `training`. It returns the outputs; one that takes `state` returns the
            outputs and the new state.
        init_fn: Returns the first `params` (and with a `state`, both) for `rng`, `inputs` of ones in the shape of the
            first input, and `training` if it takes that.
        params: The first parameters, a nested structure of arrays; from `init_fn` where it is `None`.
        state: The first state, likewise.
        seed: The seed of the random keys.
        native_serialization_platforms: Kept for Keras's configs.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: A function takes other arguments.
        ValueError: There are no first parameters or state, and no function that makes them.

    Example:
        >>> def init(rng, inputs):
        ...     return {"slope": jnp.ones(inputs.shape[-1])}
        >>> layer = JaxLayer(lambda params, inputs: inputs * params["slope"], init)
        >>> layer(np.ones((1, 2))).tolist(), [w.name for w in layer.weights]
        ([[1.0, 1.0]], ['slope'])
    """

    _unwritten: ClassVar[frozenset[str]] = Layer._unwritten | {"params", "state"}
    _left_out: ClassVar[dict[str, Any]] = {**Layer._left_out, "seed": None}
    _has_users_code = True

    def __init__(
        self,
        call_fn: Callable[..., Any],
        init_fn: Callable[..., Any] | None = None,
        params: Any = None,
        state: Any = None,
        seed: int | None = None,
        native_serialization_platforms: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.call_fn, self.init_fn, self.seed = call_fn, init_fn, seed
        self.native_serialization_platforms = native_serialization_platforms
        self._call_takes = self._taken("call_fn", call_fn, _CALL)
        self._init_takes = set() if init_fn is None else self._taken("init_fn", init_fn, _INIT)
        given = {"params": params, "state": state}
        missing = [k for k, v in given.items() if v is None and k in self._call_takes]
        if init_fn is None and missing:
            raise ValueError(
                f"{type(self).__name__}: `call_fn` takes {' and '.join(missing)}: give the first values as arguments "
                "of these names, or an `init_fn(rng, inputs)` that returns them."
            )
        self._needs = missing
        self.seed_generator = SeedGenerator(seed) if missing or "rng" in self._call_takes else None
        self._input_specs: Any = None
        self.params = self._held("params", params)
        self.state = self._held("state", state)

    def _taken(self, name: str, function: Any, known: set[str]) -> set[str]:
        """Return which of the known arguments a function takes."""
        if not callable(function):
            raise TypeError(f"{type(self).__name__}: `{name}` is a function; got {function!r}.")
        parameters = inspect.signature(function).parameters.values()
        if any(p.kind is p.VAR_KEYWORD for p in parameters):
            return set(known)
        taken = {p.name for p in parameters if p.name in known}
        needed = {p.name for p in parameters if p.default is p.empty and p.kind != p.VAR_POSITIONAL}
        if "inputs" not in taken or needed - known:
            raise TypeError(
                f"{type(self).__name__}: `{name}` takes `inputs` and, by name, what it needs of "
                f"{', '.join(sorted(known - {'inputs'}))}; got {name}{inspect.signature(function)}."
            )
        return taken

    def _held(self, part: str, values: Any, drawn: Sequence[Any] = ()) -> Any:
        """Return a structure of arrays as one of variables of the layer; what is no array stays what it is.

        Args:
            part: Which part of the weights it is.
            values: The structure.
            drawn: The arrays in the row in which `init_fn` makes them; none where they are given.
        """
        places = {id(x): place for place, x in enumerate(drawn)}

        def hold(path: Any, value: Any) -> Any:
            if not _is_array(value):
                return value
            first = _Drawn(self, places[id(value)]) if places else value
            return self.add_weight(
                value.shape, first, value.dtype, trainable=part == "params",
                name=keystr(path, simple=True, separator="_") or part,
            )  # fmt: skip

        return tree_map_with_path(hold, values)

    def _first(self, place: int) -> Any:
        """Return the first value of one variable: all of them are drawn at once, from one key."""
        assert self.seed_generator is not None
        state, drawn = self.seed_generator.state.peek(), vars(self).get("_drawn")
        if drawn is None or not np.array_equal(drawn[0], state) or place not in drawn[1]:
            # No key that a call will have.
            key = jax.random.fold_in(jax.random.wrap_key_data(state, impl="threefry2x32"), 1)
            arrays, _ = self._initial_values(key)
            drawn = self._drawn = np.asarray(state), dict(enumerate(arrays))
        value = drawn[1].pop(place)
        if not drawn[1]:
            del self._drawn
        return value

    def _initial_values(self, key: Any = None) -> tuple[list[Any], dict[str, Any]]:
        """Return the arrays that `init_fn` makes, and the parts that they stand in; their shapes, without a key."""
        found: dict[str, Any] = {}

        def arrays(rng: Any, inputs: Any) -> list[Any]:
            leaves, found["structure"] = tree_flatten(self._made(rng, inputs))
            found["rest"] = [None if _is_array(x) else x for x in leaves]
            return [x for x in leaves if _is_array(x)]

        ones = tree_map(lambda s: jnp.ones(s.shape, s.dtype), self._input_specs)
        run = jax.jit(arrays) if key is not None else functools.partial(jax.eval_shape, arrays)
        made = run(jax.random.key(0) if key is None else key, ones)
        each = iter(made)
        filled = [next(each) if x is None else x for x in found["rest"]]
        return made, jax.tree_util.tree_unflatten(found["structure"], filled)

    def _made(self, rng: Any, inputs: Any) -> dict[str, Any]:
        """Return what the layer needs of the first parameters and state, as `init_fn` gives them."""
        given = {"rng": rng, "inputs": inputs, "training": True}
        assert self.init_fn is not None
        made = self.init_fn(**{k: given[k] for k in self._init_takes})
        if "state" not in self._call_takes:
            return {"params": made}
        if not isinstance(made, tuple) or len(made) != 2:
            raise TypeError(
                f"Layer {self.path!r} ({type(self).__name__}): `call_fn` takes a state, so `init_fn` returns a pair "
                f"(params, state); got {type(made).__name__}."
            )
        both = dict(zip(("params", "state"), made, strict=True))
        return {k: both[k] for k in self._needs}

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        # The shapes that `build` gets do not say whether the inputs are whole numbers.
        self._input_specs = tree_map(_spec, args[0])
        super()._build_for(args, kwargs)

    def build(self, input_shape: Any) -> None:
        """Make the weights, by `init_fn` where they were not given."""
        if self._input_specs is None:
            self._input_specs = tree_map(_spec, symbolic_of(input_shape, self.compute_dtype))
        if any(getattr(self, part) is None for part in self._needs):
            specs, parts = self._initial_values()
            for part in self._needs:
                setattr(self, part, self._held(part, parts[part], specs))

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return what the function makes of the input, and keep the new state.

        Args:
            inputs: The input.
            training: Whether the model is being trained.
        """
        given = {"inputs": inputs, "training": training}
        given |= {"params": tree_map(_value, self.params), "state": tree_map(_value, self.state)}
        if "rng" in self._call_takes and self.seed_generator is not None:
            given["rng"] = self.seed_generator.next()
        result = self.call_fn(**{k: given[k] for k in self._call_takes})
        if "state" not in self._call_takes:
            return result
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(
                f"Layer {self.path!r} ({type(self).__name__}): `call_fn` takes a state, so it returns a pair (outputs, "
                f"new state); got {type(result).__name__}."
            )
        outputs, after = result
        self._keep(after)
        return outputs

    def _keep(self, after: Any) -> None:
        variables, structure = tree_flatten(self.state)
        values, other = cast(tuple[list[Any], Any], tree_flatten(after))
        if structure != other:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}): the new state has another structure, {other}, than the "
                f"first one, {structure}."
            )
        for variable, value in zip(variables, values, strict=True):
            if isinstance(variable, Variable):
                variable.assign(value)

    def _config_write(self, name: str, value: Any) -> Any:
        if name in ("call_fn", "init_fn"):
            refuse_unregistered(self, value)
        return super()._config_write(name, value)


def _value(x: Any) -> Any:
    return x.value if isinstance(x, Variable) else x


def _spec(x: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(tuple(n or 1 for n in known(x.shape)), x.dtype)


def _is_array(x: Any) -> bool:
    return isinstance(x, jax.Array | np.ndarray | np.generic | jax.ShapeDtypeStruct)


@LAYERS.register()
class FlaxLayer(JaxLayer):
    """A layer whose work a module of Flax does (`flax.linen`, which must be installed).

    Args:
        module: The module. Its method takes the `inputs` as one structure, and `training` where it needs that.
        method: The method, its name, or a function of the module and these; `__call__` where it is `None`.
        variables: The first variables, as `module.init` returns them: what is not under `"params"` is not trained.
        kwargs: `name`, `dtype`, `trainable`, `seed`.

    Raises:
        ImportError: Flax is not installed.
        TypeError: `module` is no module of Flax.

    Example:
        >>> from flax import linen
        >>> FlaxLayer(linen.Dense(3))(np.ones((2, 4))).shape
        (2, 3)

    Reference:
        https://flax.readthedocs.io
    """

    _unwritten: ClassVar[frozenset[str]] = JaxLayer._unwritten | {
        "call_fn", "init_fn", "variables", "native_serialization_platforms",
    }  # fmt: skip

    def __init__(
        self, module: Any, method: Any = None, variables: Any = None, **kwargs: Any
    ) -> None:
        linen = _linen()
        if not isinstance(module, linen.Module):
            raise TypeError(f"FlaxLayer: `module` is a `flax.linen.Module`; got {module!r}.")
        self.module, self.method = module, method
        found = getattr(module, method) if isinstance(method, str) else method or module.__call__
        self._method_trains = "training" in inspect.signature(found).parameters
        given = dict(variables or {})
        params = given.pop("params", {}) if variables is not None else None
        state = given if variables is not None else None
        super().__init__(self._applied, self._initial, params, state, **kwargs)

    def _context(self, training: bool) -> dict[str, Any]:
        return {"method": self.method} | ({"training": training} if self._method_trains else {})

    def _initial(self, rng: Any, inputs: Any, training: bool) -> tuple[Any, Any]:
        state = dict(self.module.init(rng, inputs, **self._context(training)))
        return state.pop("params", {}), state

    def _applied(self, params: Any, state: Any, rng: Any, inputs: Any, training: bool) -> Any:
        outputs, after = self.module.apply(
            {"params": params, **state}, inputs, rngs=rng,
            mutable=list(state), **self._context(training),
        )  # fmt: skip
        return outputs, {name: after.get(name, state[name]) for name in state}

    def _config_write(self, name: str, value: Any) -> Any:
        if name == "module" and not hasattr(value, "get_config"):
            raise ValueError(
                f"FlaxLayer {self.path!r}: a config cannot hold a module of Flax that does not say how it is made. "
                f"Give {type(value).__name__} a `get_config` and a `from_config`, and put "
                "`@trivium.saving.register_keras_serializable()` before it."
            )
        return super()._config_write(name, value)


def _linen() -> Any:
    try:
        from flax import linen
    except ImportError as error:
        raise ImportError("FlaxLayer needs Flax: pip install flax") from error
    return linen
