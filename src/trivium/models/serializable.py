"""Models as configs: what they are made of, and what they were compiled with."""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jax.tree_util import tree_leaves

from trivium.graph import is_symbolic
from trivium.layers.building import shape_of, symbolic_of
from trivium.layers.settings import shapes_of
from trivium.layers.signature import signature_of
from trivium.models.configs import GRAPH_KEYS, graph_config, graph_from_config
from trivium.state.registry import custom_object_scope, deserialize, serialize
from trivium.state.scopes import init_scope

if TYPE_CHECKING:
    from trivium.layers.base import Layer
    from trivium.training.trainer import Trainer

    class _Base(Trainer, Layer):
        _graph: Any
else:
    _Base = object

__all__ = ["SerializableModel"]

_Parameter = inspect.Parameter


class SerializableModel(_Base):
    """The part of `Model` that writes and reads configs."""

    def get_config(self) -> dict[str, Any]:
        """Return the graph of layers of a Functional model; for a class of one's own, its constructor's arguments.

        Raises:
            NotImplementedError: An argument, or something in the graph, is nothing that a config can hold.
        """
        if not self._is_graph_alone():
            return super().get_config()
        assert self._graph is not None
        common = {"name": self.name, "trainable": self.trainable}
        return {**common, **graph_config(self._graph, self.name)}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """Return a new model, with layers and weights of its own.

        Args:
            config: What `get_config` gave, ours or Keras's.
            custom_objects: Classes and functions of yours by name, besides the registered ones.

        Raises:
            TypeError: The class does not take these arguments.
            ValueError: The config names something unknown, or its graph is not connected.
        """
        if "input_layers" not in config:
            return super().from_config(config, custom_objects)
        inputs, outputs = graph_from_config(config, custom_objects)
        rest = {k: v for k, v in config.items() if k not in GRAPH_KEYS}
        with custom_object_scope(custom_objects):
            return cls(inputs=inputs, outputs=outputs, **deserialize(rest))

    def get_build_config(self) -> dict[str, Any] | None:
        """Return the shapes that the model was built for: a graph knows its own."""
        if self._is_graph_alone():
            return {"input_shape": None}
        spec = getattr(self, "_call_spec", None)
        if self._graph is not None or spec is None:
            return super().get_build_config()
        args, kwargs = spec
        tensors = tree_leaves((args, kwargs))
        if not tensors or not all(map(is_symbolic, tensors)):
            return None
        config: dict[str, Any] = {"input_shape": shape_of(args[0])} if args else {}
        if len(args) != 1 or kwargs:
            named = dict(zip(signature_of(type(self)).names, args, strict=False)) | kwargs
            config = {"shapes_dict": {f"{k}_shape": shape_of(v) for k, v in named.items()}}
        dtypes = [t.dtype for t in tensors]
        if set(dtypes) != {self.compute_dtype}:
            config["dtypes"] = dtypes  # Numbers of words are no floats; Keras passes it over.
        return config

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build the model for the shapes that it was built for when it was written.

        Args:
            config: What `get_build_config` gave, ours or Keras's.
        """
        shapes = config.get("shapes_dict")
        if (not shapes and config.get("input_shape") is None) or self._is_graph_alone():
            return
        named = {k.removesuffix("_shape"): v for k, v in (shapes or {}).items()}
        given = [shapes_of(v) for v in named.values()] or [shapes_of(config["input_shape"])]
        names = [*named] or signature_of(type(self)).names[:1]
        tensors = [symbolic_of(shape, self.compute_dtype) for shape in given]
        for tensor, dtype in zip(tree_leaves(tensors), config.get("dtypes") or (), strict=False):
            tensor.dtype = dtype
        first = signature_of(type(self)).names
        in_order = names == first[: len(names)]
        args = tuple(tensors) if in_order else ()
        kwargs = {} if in_order else dict(zip(names, tensors, strict=True))
        with init_scope():
            self._build_for(args, kwargs)

    def _is_graph_alone(self) -> bool:
        """Say whether the model is its graph: declared, by a class whose constructor takes what `Model`'s takes."""
        init = next(vars(c)["__init__"] for c in type(self).__mro__ if "__init__" in vars(c))
        if self._graph is None or init.__module__.partition(".")[0] == "trivium":
            return self._graph is not None
        parameters = list(inspect.signature(init).parameters.values())[1:]
        anything = {p.kind for p in parameters} >= {
            _Parameter.VAR_POSITIONAL,
            _Parameter.VAR_KEYWORD,
        }
        return anything or [p.name for p in parameters] == ["inputs", "outputs", "name"]

    def to_json(self, **kwargs: Any) -> str:
        """Return the model's config, and what it was compiled with, as JSON; `model_from_json` reads it.

        Args:
            kwargs: Arguments of `json.dumps`, e.g. `indent=2`.

        Raises:
            NotImplementedError: As `get_config` does.

        Example:
            >>> import trivium as tv
            >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])
            >>> tv.models.model_from_json(model.to_json()).fingerprint() == model.fingerprint()
            True
        """
        return json.dumps(serialize(self), **kwargs)

    def get_compile_config(self) -> dict[str, Any]:
        """Return what the model was compiled with, as `compile_from_config` takes it; nothing if it was not."""
        made = self._trainer
        if made is None:
            return {}
        said = {
            "optimizer": made.optimizer,
            "loss": None if made.loss is None else made.loss.loss,
            "loss_weights": None if made.loss is None else made.loss.loss_weights,
            **made.metrics.specs,
        }
        try:
            written = serialize(said)
        except (NotImplementedError, TypeError, ValueError) as error:
            warnings.warn(
                f"The config of model {self.name!r} does not say what it was compiled with: {error} Call `compile` on "
                "what is made of the config.",
                stacklevel=3,
            )
            return {}
        return {
            **written,
            "run_eagerly": made.run_eagerly,
            "steps_per_execution": made.steps_per_execution,
            "jit_compile": not made.run_eagerly,
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile the model as another was, and make the optimizer's variables where the model is built.

        Args:
            config: What `get_compile_config` gave.
        """
        if not type(self).compile.__module__.startswith("trivium."):
            warnings.warn(
                f"Model {self.name!r} is not compiled: {type(self).__name__} has a `compile` of its own, and only it "
                "knows its arguments. Call it, or write `get_compile_config` and `compile_from_config`.",
                stacklevel=2,
            )
            return
        self.compile(**deserialize(config))
        if self.built and self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
