"""What a model's `compile` was told, and what came of it on data."""

from __future__ import annotations

from typing import Any, ClassVar

from trivium.metrics import Mean
from trivium.state import Copied, SeedGenerator
from trivium.state.variable import Variable
from trivium.training.compiled import CompiledLoss, CompiledMetrics
from trivium.training.executables import Programs
from trivium.training.outputs import Outputs

__all__ = ["Compiled"]


class Compiled(Copied):
    """What `compile` was told, and what came of it on data.

    Args:
        optimizer: The optimizer.
        loss: The loss, or `None`.
        metrics: The metrics.
        run_eagerly: Whether steps run as plain Python.
        steps_per_execution: How many steps lie between the batch hooks of callbacks.
    """

    # A copy compiles for itself: what programs and steps depend on is known by the identity of the model's own objects.
    _remade: ClassVar[dict[str, Any]] = {"programs": Programs, "touched": dict}

    def __init__(
        self,
        optimizer: Any,
        loss: CompiledLoss | None,
        metrics: CompiledMetrics,
        run_eagerly: bool,
        steps_per_execution: int,
    ) -> None:
        self.optimizer = optimizer
        self.loss = loss
        self.metrics = metrics
        self.run_eagerly = run_eagerly
        self.steps_per_execution = steps_per_execution
        self.loss_tracker = Mean(name="loss")
        self.programs = Programs()
        # Steps in place draw from it where their code gives no seed, so that each step draws anew.
        self.generator = SeedGenerator(name="step_generator")
        # For each kind of step in place: what it depends on, and the variables that it touches besides the model's.
        self.touched: dict[str, tuple[Any, list[Variable]]] = {}
        # Whether a step is running as plain Python at this moment.
        self.stepping = False

    @property
    def built(self) -> bool:
        """Whether the loss and the metrics have been matched to a model's outputs."""
        return self.metrics.built and (self.loss is None or self.loss.built)

    def build(self, outputs: Outputs, y: Any) -> None:
        """Match the loss and the metrics to a model's outputs.

        Args:
            outputs: The outputs.
            y: The targets, or their specs.

        Raises:
            ValueError: They do not match.
        """
        losses = self.loss.chosen(outputs) if self.loss else [None] * outputs.count
        measured = self.metrics.chosen(outputs)
        outputs.wanted = [a is not None or b for a, b in zip(losses, measured, strict=True)]
        targets = outputs.targets(y)
        if self.loss is not None:
            self.loss.build(outputs, targets)
        self.metrics.match(outputs, targets)
