"""What every verb of a pipeline stands on."""

from __future__ import annotations

import types
from typing import Any, Self

from trivium.data.pipeline.elements import Nested
from trivium.data.pipeline.failures import ErrorLog
from trivium.data.pipeline.stages import Elements
from trivium.state import named_arguments

__all__ = ["Pipeline", "together"]


class Pipeline(Nested):
    """Elements, and the logs of those that were left out on the way.

    Args:
        elements: Where the elements come from.
        logs: Where the stages before note what they leave out.

    Example:
        >>> from trivium.data.orders import OrderKey
        >>> from trivium.data.pipeline.rows import rows_of
        >>> import numpy as np
        >>> Pipeline(rows_of(np.arange(3)))._elements.length
        3
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let every verb answer a mistyped keyword with the nearest one."""
        super().__init_subclass__(**kwargs)
        for name, member in [*vars(cls).items()]:
            if name.startswith("_"):
                continue
            if isinstance(member, types.FunctionType):
                setattr(cls, name, named_arguments(member))
            elif isinstance(member, classmethod):
                setattr(cls, name, classmethod(named_arguments(member.__func__)))

    def __init__(self, elements: Elements, logs: tuple[ErrorLog, ...] = ()) -> None:
        self._elements = elements
        self._logs = logs
        self._passes = 0

    def _then(self, elements: Elements, *others: Pipeline) -> Self:
        """Return a dataset of the same class with other elements, which come from this one and from others."""
        return type(self)(elements, together(self, *others))


def together(*pipelines: Pipeline) -> tuple[ErrorLog, ...]:
    """Return the logs of several pipelines, each once."""
    return tuple({id(log): log for p in pipelines for log in p._logs}.values())
