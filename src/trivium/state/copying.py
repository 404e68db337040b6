"""Copies: what has state is copied with all that belongs to it, pickles, and stays what it is.

An owner is known to what it owns by a weak reference, so that nothing keeps a model alive that nobody has any more.
Such a reference is no part of a copy: a layer can be copied without the model around it. Its owner, if that is copied
too, says whose it was and takes it back.
"""

from __future__ import annotations

import copy
import functools
import itertools
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Self

from trivium.state.tracking import members

__all__ = ["Copied", "Recipe"]


class Copied:
    """Base of what has state. `copy.copy` is `copy.deepcopy`: two objects never share a variable unawares.

    Example:
        >>> from trivium.state import SeedGenerator
        >>> one = SeedGenerator(1)
        >>> other = copy.copy(one)
        >>> a, b = one.next(), other.next()
        >>> bool((one.state.value == other.state.value).all()), one.state is other.state
        (True, False)
    """

    # Attributes that no copy takes over, with what makes those of the copy; `None` where they are made when needed.
    _remade: ClassVar[Mapping[str, Callable[[], Any] | None]] = {}
    # The attribute that holds the weak reference to the owner.
    _owned_by: ClassVar[str | None] = None

    def _holds(self) -> Iterable[Any]:
        """Return what this may be the owner of."""
        return itertools.chain.from_iterable(members(self))

    def _owners(self) -> tuple[Any, ...]:
        """Return whose parts are a copy's own: this one's, and those of what it stands in for."""
        return (self,)

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, without those that hold weakly or that no copy takes over, and what is owned."""
        left_out = {*self._remade, self._owned_by}
        state = {k: v for k, v in vars(self).items() if k not in left_out}
        owners = [*map(id, self._owners())]
        state["_owned"] = [part for part in self._holds() if id(_owner(part)) in owners]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the attributes, and take back what was owned."""
        vars(self).update({k: v for k, v in state.items() if k != "_owned"})
        vars(self).update({k: make() for k, make in self._remade.items() if make is not None})
        # The owner's state may have come before this one's.
        if self._owned_by is not None:
            vars(self).setdefault(self._owned_by, None)
        # Weakly, as ever: what an object holds does not keep it alive.
        for part in state["_owned"]:
            vars(part)[part._owned_by] = weakref.ref(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        recipe = _recipe_of(type(self))
        if recipe is None:
            return super().__reduce_ex__(protocol)
        return Recipe.new, (recipe,), self.__getstate__()

    def __copy__(self) -> Self:
        return copy.deepcopy(self)


class Recipe:
    """How a class is made that stands in no module: what pickles in its place.

    Args:
        make: A function that makes the class.
        *args: Its arguments; classes among them may be made by recipes too.

    Example:
        >>> recipe = Recipe(type, "Made", (Copied,), {})
        >>> recipe.cls.__name__, recipe.cls is copy.deepcopy(recipe).cls
        ('Made', True)
    """

    def __init__(self, make: Callable[..., type], *args: Any) -> None:
        self.make = make
        self.args = tuple(_recipe_of(a) or a for a in args)

    @functools.cached_property
    def cls(self) -> Any:
        """The class, made once."""
        made: Any = self.make(*(a.cls if isinstance(a, Recipe) else a for a in self.args))
        made._recipe = self
        return made

    def new(self) -> Any:
        """Return an object of the class without any attributes."""
        return self.cls.__new__(self.cls)

    def __reduce__(self) -> tuple[Any, ...]:
        return Recipe, (self.make, *self.args)

    def __deepcopy__(self, memo: Any) -> Self:
        return self  # A copy is of the very class.


def _recipe_of(value: Any) -> Recipe | None:
    return vars(value).get("_recipe") if isinstance(value, type) else None


def _owner(part: Any) -> Any:
    attribute = getattr(type(part), "_owned_by", None)
    reference = vars(part).get(attribute) if attribute is not None else None
    return reference() if reference is not None else None
