"""Models as configs and as files: what they are made of, what they were compiled with, their weights."""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

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
    from trivium.models.model import Model
    from trivium.training.trainer import Trainer

    class _Base(Trainer, Layer):
        _graph: Any
else:
    _Base = object

__all__ = ["SerializableModel"]

_Parameter = inspect.Parameter


class SerializableModel(_Base):
    """The part of `Model` that writes and reads configs and files."""

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

    def save(
        self,
        filepath: Any,
        overwrite: bool = True,
        zipped: bool | None = None,
        include_optimizer: bool = True,
    ) -> None:
        """Write the model to a file that `models.load_model`, ours or Keras's, makes it of anew.

        Args:
            filepath: A path that ends in `.keras`; in `.h5` for the older form of Sequential and Functional models;
                or a file that is open for writing and reading.
            overwrite: Whether a file that is there may be replaced.
            zipped: Whether the parts are one archive; where it is false they are files in a folder.
            include_optimizer: Whether the file says what the model was compiled with, and has the optimizer's state.

        Raises:
            NotImplementedError: The model holds what no config can, or is none that an `.h5` file can hold.
            OSError: It could not be written; what was there is unchanged.
        """
        from trivium.saving import save_model

        save_model(self, filepath, overwrite, zipped, include_optimizer)

    def export(
        self,
        filepath: Any,
        format: str = "stablehlo",
        verbose: bool | None = None,
        input_signature: Any = None,
    ) -> None:
        """Write the model's inference as a program that runs without its classes, and without the library's layers.

        Args:
            filepath: The path.
            format: `"stablehlo"`: a program by `jax.export`, which `export.load_exported` runs. `"onnx"`: a file for
                ONNX runtimes, written by jax2onnx and tried in onnxruntime before it is there.
            verbose: Whether to print what was written.
            input_signature: A list with a form for each argument of `call`; by default what the model was built on,
                with the sizes left open that are open there.

        Raises:
            ValueError: The format is another one, the model is not built, or onnxruntime does not give its outputs.
            NotImplementedError: An operation that jax2onnx does not know.
            OSError: It could not be written; what was there is unchanged.

        Example:
            >>> import tempfile, numpy as np, trivium as tv
            >>> model = tv.Sequential([tv.Input((3,)), tv.layers.Dense(2)])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     model.export(f"{folder}/model.stablehlo", verbose=False)
            ...     tv.export.load_exported(f"{folder}/model.stablehlo")(np.ones((5, 3), "float32")).shape
            (5, 2)
        """
        from trivium.saving.exporting import export_model

        export_model(self, filepath, format, verbose, input_signature)

    def _captured_config(self) -> dict[str, Any]:
        from trivium.models.captured import captured_config

        return captured_config(cast("Model", self))

    def save_weights(
        self, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None
    ) -> None:
        """Write the weights to a file.

        Args:
            filepath: A path that ends in `.weights.h5`; in `.safetensors`; in `.weights.json` for weights in several
                files; or a file that is open for writing, in binary mode, which becomes one as `.weights.h5`.
            overwrite: Whether a file that is there may be replaced.
            max_shard_size: The most gigabytes in one file, for a path that ends in `.weights.json`.
        """
        from trivium.saving import save_weights

        save_weights(self, filepath, overwrite, max_shard_size)

    def load_weights(
        self, filepath: Any, skip_mismatch: bool = False, by_name: bool = False
    ) -> None:
        """Set the weights from a file that `save_weights` or `save`, ours or Keras's, wrote.

        Args:
            filepath: The path, or such a file, of HDF5 or `.keras`, that is open for reading.
            skip_mismatch: Whether weights that the file lacks, or has in another shape, stay as they are.
            by_name: Whether each layer takes the weights of the layer of its name.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The file holds other weights; none has been changed.
        """
        from trivium.saving import load_weights

        load_weights(self, filepath, skip_mismatch, by_name)
