"""The one graph of a model: declared, or read off its code; its tensors and its fingerprint."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from trivium.graph import CaptureError, Graph, SymbolicTensor, digest, is_symbolic, program_text
from trivium.graph.infer import caused_by_sizes
from trivium.models.capture import as_capture_error, capture, plain_error, wants_arrays
from trivium.models.hosting import Mapped, described
from trivium.models.made_layers import keep_made_layers
from trivium.state.guarding import settings_of
from trivium.state.trees import map_tree

if TYPE_CHECKING:
    from trivium.layers.base import Layer
    from trivium.models.hosted import HostedModel

    class _Base(HostedModel, Layer):
        _captured_with: list[Hashable]
        _flow_seen: list[Layer]
        _call_spec: tuple[Any, dict[str, Any]] | None
        _capture_error: Exception | None
        _made_layers: list[Layer]
else:
    _Base = object

__all__ = ["GraphedModel"]


class GraphedModel(_Base):
    """The part of `Model` that has the graph."""

    def graph(self, training: bool = False) -> Graph:
        """Return the model's graph: the one it was declared with, or the one its `call` records.

        Args:
            training: Which mode, for models whose code asks.

        Raises:
            ValueError: The model is not built, so its shapes are not known.
            CaptureError: The code does what no graph can hold; the message has its file and line.
        """
        if self._graph is not None:
            return self._graph
        graph, _ = self._capture(training)
        if graph is None:
            assert self._capture_error is not None
            raise as_capture_error(self._capture_error)
        return graph

    def _capture(self, training: bool) -> tuple[Graph | None, bool | Callable[[Any], bool]]:
        if self._call_spec is None:
            raise ValueError(
                f"Model {self.name!r} is not built, so its graph is not known: call it on data, or "
                "`build(input_shape)`."
            )
        if self._captured and self._captured_with != self._settings():
            self._captured = {}  # The code would do something else now.
        if training not in self._captured:
            read, modes = self._read_graph(*self._call_spec, training)
            if read[0] is not None:
                keep_made_layers(read[0], self._flatten_layers(), self._made_layers)
            # A new dict, by which looks see that there is something new.
            self._captured = self._captured | dict.fromkeys(modes, read)
            self._captured_with = self._settings()
            self._flow_seen = self._flow_layers()
        return self._captured[training]

    def _settings(self) -> list[Hashable]:
        return [(layer, settings_of(layer)) for layer in self._flatten_layers()]

    def _read_graph(
        self, args: Any, kwargs: Any, training: bool
    ) -> tuple[tuple[Graph | None, bool | Callable[[Any], bool]], tuple[bool, ...]]:
        """Return the graph that the code has in a mode, and for which modes it is right.

        The user's code runs as few times as possible. It is recorded; only what a recording cannot take leads to
        another try, and where one mode could not be recorded the other is not tried.
        """
        if not self._captured:
            try:
                return capture(self, args, kwargs, training), (training,)
            except Exception as error:
                self._capture_error = first = plain_error(error)
                if not wants_arrays(error):
                    raise
                if any(
                    is_symbolic(t) and t.is_text for t in jax.tree_util.tree_leaves((args, kwargs))
                ):
                    raise as_capture_error(error) from None  # JAX traces no text.
        elif self._recorded():
            return capture(self, args, kwargs, training), (training,)
        else:
            first = self._capture_error or CaptureError("")
        # Code that uses `jax.numpy` directly cannot record itself, but JAX can trace it.
        from trivium.models.traced import capture_traced

        # A `call` that does not ask for the mode is one program in both.
        asks = "training" in inspect.signature(self.call).parameters
        modes = (training,) if asks else (False, True)
        try:
            mode = training if asks else None
            return capture_traced(self, args, kwargs, mode), modes
        except Exception as error:
            shapes = [t.dims for t in jax.tree_util.tree_leaves((args, kwargs)) if is_symbolic(t)]
            # What no graph can hold was met first, and is said by its line; else what this try met is.
            if not isinstance(first, CaptureError) or first.wants_array:
                if not wants_arrays(error) and not caused_by_sizes(error, shapes):
                    raise
                self._capture_error = plain_error(error)
        return (None, False), modes

    def _recorded(self) -> bool:
        """Say whether the mode that was captured first was recorded, so that the other one will be, too."""
        return any(
            graph is not None and not callable(whole) for graph, whole in self._captured.values()
        )

    def fingerprint(self) -> str:
        """Return a hash that two models share exactly when they compute and train the same.

        It covers the lowered program in both modes and what the variables start from, and no name.

        Returns:
            64 hexadecimal digits.

        Raises:
            ValueError: The model is not built.

        Example:
            >>> import trivium as tv
            >>> a = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2, name="a")])
            >>> b = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2, name="b")])
            >>> a.fingerprint() == b.fingerprint()
            True
        """
        args, kwargs = self._symbolic_call()
        mine = [
            [jax.ShapeDtypeStruct(v.shape, v.dtype) for v in vs]
            for vs in (self.trainable_variables, self.non_trainable_variables)
        ]
        texts = []
        for training in (False, True):
            part = self._host_part(training)
            taken = args if part is None else (Mapped(part.rest.inputs),)
            specs = jax.tree_util.tree_map(lambda t: t.spec, taken)

            def program(tv: Any, ntv: Any, inputs: Any, training: bool = training) -> Any:
                result = self.stateless_call(
                    tv, ntv, *inputs, training=training, return_losses=True, **kwargs
                )
                return jax.tree_util.tree_leaves(result)

            texts.append(program_text(program, mine[0], mine[1], specs) + described(part))
        return digest(*texts, *(_describe(v) for v in self.variables))

    def weights_sha256(self) -> str:
        """Return the SHA-256 of the weights' values, in the order of the data's flow.

        Returns:
            64 hexadecimal digits.
        """
        arrays = [np.asarray(w.value) for w in self.weights]
        return digest(*(part for a in arrays for part in (a.shape, a.dtype, a.tobytes())))

    def _symbolic_call(self) -> tuple[Any, Any]:
        """Return symbolic arguments for a call."""
        if self._graph is not None:
            return (self._graph.inputs,), {}
        if self._call_spec is None:
            raise ValueError(
                f"Model {self.name!r} is not built: call it on data, or `build(input_shape)`, first."
            )
        args, kwargs = self._call_spec
        return args, kwargs

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The symbolic inputs, as a flat list."""
        return self.graph().input_tensors

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The symbolic outputs, as a flat list."""
        return self.graph().output_tensors

    @property
    def input(self) -> Any:
        """The symbolic input, in the structure that the model takes."""
        return self.graph().inputs

    @property
    def output(self) -> Any:
        """The symbolic output, in the structure that the model gives."""
        return self.graph().outputs

    @property
    def input_shape(self) -> Any:
        """The shape of the input, in the structure that the model takes."""
        return map_tree(lambda t: t.shape, self.input)

    @property
    def output_shape(self) -> Any:
        """The shape of the output, in the structure that the model gives."""
        return map_tree(lambda t: t.shape, self.output)

    @property
    def input_names(self) -> list[str]:
        """The inputs' names."""
        return [t.name for t in self.inputs]

    @property
    def output_names(self) -> list[str]:
        """The outputs' names: those of the layers they come from, each made unique."""
        graph = self._graph
        if graph is None and self._call_spec is not None:
            # Both modes have the same outputs, so the one that has been read will do.
            graph = next((g for g, _ in self._captured.values()), None) or self._capture(False)[0]
        if graph is None:
            return []
        names: list[str] = []
        for tensor in graph.output_tensors:
            name = tensor.node.name if tensor.node is not None else tensor.name
            count = (
                sum(n == name or n.startswith(f"{name}_") for n in names) if name in names else 0
            )
            names.append(name if count == 0 else f"{name}_{count}")
        return names


def _describe(variable: Any) -> str:
    """Say what a variable starts from and how it is kept, without any name."""

    def config(thing: Any) -> Any:
        if thing is None or inspect.ismethod(thing):
            return None
        if hasattr(thing, "get_config"):
            return type(thing).__name__, sorted(thing.get_config().items())
        return getattr(thing, "__qualname__", repr(thing))

    kept = (variable.shape, variable.dtype, variable.trainable)
    parts = (variable.initializer, variable.regularizer, variable.constraint)
    return repr((kept, [config(p) for p in parts]))
