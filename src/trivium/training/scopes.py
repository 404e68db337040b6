"""The scope in which a compiled step runs."""

from __future__ import annotations

from trivium.state import EffectError
from trivium.state.frame import current_frame
from trivium.state.scopes import Policy
from trivium.state.variable import Variable

__all__ = ["OfTheModel"]


class OfTheModel(Policy):
    """Takes new values of a model's own variables only: of others, a compiled step would forget them."""

    def __init__(self, variables: list[Variable], name: str) -> None:
        self._known = {id(v) for v in variables}
        self._name = name

    def refuse(self, variable: Variable) -> None:
        """Raise for a variable that is none of the model's."""
        if id(variable) not in self._known:
            path = current_frame().path
            raise EffectError(
                f"{f'In layer {path!r}: ' if path else ''}a step gives the variable {variable.path!r} a new value, and "
                f"it is none of those that model {self._name!r} has, so nobody would keep it: each step would start "
                "from the same one (a Dropout that a layer makes anew in its `call` would draw the same each time). "
                "Make the variable, layer or `SeedGenerator` in `__init__` or `build`, as an attribute."
            )
