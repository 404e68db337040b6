"""The layers of a model: which there are, in the order of the data's flow, and one of them by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trivium.graph import Graph
from trivium.layers.base import Layer
from trivium.state import Variable, suggest

if TYPE_CHECKING:

    class _Base(Layer):
        _graph: Graph | None
        _captured: dict[bool, tuple[Graph | None, bool | Callable[[Any], bool]]]
        _flow_seen: list[Layer]
        _made_layers: list[Layer]
else:
    _Base = object

__all__ = ["LayeredModel"]


class LayeredModel(_Base):
    """The part of `Model` that knows its layers: those of its graph, and those that its attributes hold."""

    def _own_weights(self) -> list[Variable]:
        inner = super()._own_weights()
        if self._graph is None:
            return inner
        mine = {id(v): v for v in [*inner, *self._graph.variables]}
        return sorted(mine.values(), key=lambda v: not v.made_trainable)

    @property
    def _layers(self) -> list[Layer]:
        inner = super()._layers
        if self._graph is None:
            return inner
        own = [o for o in self._graph.operations if isinstance(o, Layer)]
        return list({id(layer): layer for layer in [*own, *inner]}.values())

    def _flow_layers(self) -> list[Layer]:
        # Training goes through all layers; inference may leave some out.
        captured = [self._captured[mode][0] for mode in (True, False) if mode in self._captured]
        graphs = [g for g in (self._graph, *captured) if g is not None]
        inner = super()._flow_layers() if self._graph is None else self._layers
        inner = [*inner, *self._made_layers]
        mine = {id(layer) for layer in inner}
        order = [o for graph in graphs for o in graph.operations if id(o) in mine]
        # `compile` drops what was captured, and a copy has none of it: the order stays.
        order = order or [layer for layer in self._flow_seen if id(layer) in mine]
        return list({id(layer): layer for layer in [*order, *inner]}.values())

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside."""
        return self._layers

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by its name or its place in `layers`.

        Args:
            name: The name.
            index: The place.

        Raises:
            ValueError: There is none; the message has the nearest name.

        Example:
            >>> import trivium as tv
            >>> tv.Sequential([tv.Input((4,)), tv.layers.Dense(2, name="out")]).get_layer("out").units
            2
        """
        layers = self.layers
        if (name is None) == (index is None):
            raise ValueError("`get_layer` takes a name or an index, one of the two.")
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(
                    f"Model {self.name!r} has {len(layers)} layers; there is no index {index}."
                )
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f"Model {self.name!r} has no layer {name!r}. {suggest(str(name), [x.name for x in layers])}"
        )
