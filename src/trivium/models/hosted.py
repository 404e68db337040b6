"""Models with parts that only the host can run: how training and calls get at what `hosting` takes apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trivium.graph import Graph, Split
from trivium.models.hosting import Mapped, finish, has_host_layers, host_part, map_inputs
from trivium.models.lookups import check_lookups
from trivium.state.frame import current_frame

if TYPE_CHECKING:
    from trivium.layers.base import Layer
    from trivium.training.trainer import Trainer

    class _Base(Trainer, Layer):
        _graph: Graph | None
        _captured: dict[bool, tuple[Graph | None, bool | Callable[[Any], bool]]]
        graph: Callable[..., Graph]
        _run_graph: Callable[..., Any]
        _one_alone: Callable[..., Any]
else:
    _Base = object

__all__ = ["HostedModel"]


class HostedModel(_Base):
    """The part of `Model` that has the host do its part ahead of the device."""

    def _check_data(self, x: Any) -> None:
        graph = self._graph or self._captured.get(False, (None,))[0]
        if isinstance(x, Mapped):
            part = self._host_part(False)
            graph, x = (None if part is None else part.rest), x.values
        if graph is not None:
            check_lookups(graph, x, self.path)

    def _host_part(self, training: bool) -> Split | None:
        """Return the parts of the model's graph, where there is something in it that only the host can do."""
        if self._graph is not None:
            return host_part(self._graph, training)
        return host_part(self.graph(training), training) if has_host_layers(self) else None

    def _uses_host(self) -> bool:
        if self._graph is not None:
            return self._host_part(False) is not None
        return self._can_be_called() and has_host_layers(self)

    def _host_map(self, training: bool, what: str) -> Callable[[Any], Any] | None:
        part = self._host_part(training)
        if part is None:
            return None
        if part.suffix is not None and not what.startswith("predict"):
            raise ValueError(
                f"{what}: model {self.name!r} gives text, or what the host makes of learned numbers, and no loss or "
                "metric is defined for that. Train a model that ends before it, and put "
                "`Model(inputs, layer(outputs))` around that for `predict`."
            )
        graph = self.graph(training)
        return lambda x: map_inputs(graph, part, x, self.path)

    def _finished(self, outputs: Any) -> Any:
        if not isinstance(outputs, Mapped):
            return outputs
        part = self._host_part(False)
        assert part is not None
        return finish(part, outputs)

    def _predicts_eagerly(self) -> bool:
        part = self._host_part(False)
        return part is not None and bool(part.around)

    def _run_rest(self, given: Mapped) -> Any:
        """Compute the outputs from where the host has left off."""
        part = self._host_part(bool(current_frame().training))
        if part is None or len(part.rest.input_tensors) != len(given.values):
            raise ValueError(
                f"Model {self.path!r} was given what the host made ready for another model, or for its other mode: "
                "`training` of a step is that of its pass over the data."
            )
        outputs = self._run_graph(part.rest, given.values)
        if part.suffix is not None:
            return Mapped(tuple(outputs))
        return self._one_alone(outputs)
