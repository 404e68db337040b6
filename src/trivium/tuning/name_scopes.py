"""Where hyperparameters are defined: under which names, and under which conditions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from trivium.state import suggest
from trivium.tuning.errors import FatalValueError
from trivium.tuning.hyperparameter import HyperParameter, Parent, Values

__all__ = ["Scoped"]


class Scoped:
    """Values by whole names, the definitions behind them, and the scopes that are open.

    Attributes:
        values: The values of those that are active, by name.

    Example:
        >>> scoped = Scoped()
        >>> with scoped.name_scope("encoder"), scoped.name_scope("head"):
        ...     scoped._name("units")
        'encoder/head/units'
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._defined: dict[str, list[HyperParameter]] = {}
        self._scopes: list[str] = []
        self._conditions: list[Parent] = []
        # Which conditional scopes were entered with their conditions met, and which without, since it was made.
        self.active_scopes: list[tuple[Parent, ...]] = []
        self.inactive_scopes: list[tuple[Parent, ...]] = []

    @contextlib.contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        """Put a name before those that are defined within the `with` block.

        Args:
            name: The name.

        Example:
            >>> from trivium.tuning import HyperParameters
            >>> hp = HyperParameters()
            >>> with hp.name_scope("encoder"):
            ...     _ = hp.Boolean("bias")
            >>> list(hp.values)
            ['encoder/bias']
        """
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    @contextlib.contextmanager
    def conditional_scope(self, parent_name: str, parent_values: Values) -> Iterator[None]:
        """Let what is defined within the `with` block count only where another hyperparameter has some value.

        Where it has not, those within give `None`.

        Args:
            parent_name: The other one's name.
            parent_values: A value, or a list of them.

        Raises:
            FatalValueError: Nothing has defined the other one.

        Example:
            >>> from trivium.tuning import HyperParameters
            >>> hp = HyperParameters()
            >>> kind = hp.Choice("optimizer", ["adam", "sgd"])
            >>> with hp.conditional_scope("optimizer", ["sgd"]):
            ...     print(hp.Float("momentum", 0.0, 0.9))
            None
        """
        whole = self._name(parent_name)
        if whole not in self._defined:
            raise FatalValueError(
                f"A conditional scope looks at the hyperparameter {whole!r}, which nothing has defined before it. "
                f"{suggest(whole, self._defined) if self._defined else 'Define it first.'}"
            )
        values = (
            (*parent_values,) if isinstance(parent_values, list | tuple | set) else (parent_values,)
        )
        self._conditions.append(Parent(whole, values))
        seen = self.active_scopes if self._holds(self._conditions) else self.inactive_scopes
        seen.append(tuple(self._conditions))
        try:
            yield
        finally:
            self._conditions.pop()

    def _holds(self, conditions: Sequence[Parent]) -> bool:
        return all(condition.holds(self.values) for condition in conditions)

    def _name(self, name: str) -> str:
        return "/".join([*self._scopes, str(name)])
