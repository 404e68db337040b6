"""Values of a checkpoint on their way into objects, some of which may be made or built later."""

from __future__ import annotations

import functools
from typing import Any, Self

import numpy as np

from trivium.compat.tensorflow.attached import Attached, wait_for
from trivium.compat.tensorflow.checkpoint_parts import objects, variables
from trivium.compat.written import WRITTEN
from trivium.optimizers import Optimizer
from trivium.state.scopes import init_scope
from trivium.state.traces import outside_of_traces
from trivium.state.variable import Variable

__all__ = ["Status"]


class Status:
    """What became of the values of a file.

    Values wait for attributes of the checkpoint and of modules in it, and for layers and optimizers to be built. Each
    is given once: what the program assigns after that stays.

    Args:
        root: The checkpoint.
        values: The values by the paths of their variables; none where there was no file.

    Example:
        >>> root = Attached()
        >>> status = Status(root, {"v": np.array(3.0, "float32")})
        >>> root.v = Variable(0.0)
        >>> root.v.numpy().item(), status.assert_consumed() is status
        (3.0, True)
    """

    def __init__(self, root: Any, values: dict[str, np.ndarray]) -> None:
        self.root, self.values = root, values
        self.used: set[str] = set()
        self.before("", root)
        self.attached("", root)

    def is_over(self) -> bool:
        """Say whether all values are where they belong."""
        return self.used >= self.values.keys()

    def before(self, path: str, thing: Any) -> None:
        """Refuse values of other shapes than their variables', before anything is assigned."""
        for place, variable in variables(thing, path).items():
            if place in self.values and place not in self.used:
                came, wanted = self.values[place].shape, tuple(variable.shape)
                if came != wanted:
                    raise ValueError(
                        f"The checkpoint has {place!r} in the shape {came}; the variable has {wanted}."
                    )

    def attached(self, path: str, thing: Any) -> None:
        """Give the variables that there are in an object their values, and wait for those that are to come."""
        done: set[int] = set()
        given: set[str] = set()
        iterators: list[Any] = []
        # A model may be recording or compiling the call that makes them: the values are real nevertheless.
        with outside_of_traces(), init_scope():
            for place, part in objects(thing, path):
                first = id(part) not in done
                done.add(id(part))
                if isinstance(part, Variable):
                    if place in self.values and place not in self.used:
                        given.add(place)
                        if first:
                            part.assign(self.values[place])
                elif isinstance(part, WRITTEN.get("tensorflow.data.Iterator", ())):
                    iterators += [part] if f"{place}/position" in self.values else []
                elif not self._waits_within(place) or not first:
                    continue
                elif isinstance(part, Attached):
                    wait_for(part, place, self)
                elif not getattr(part, "built", True):
                    _after_build(part, place, self)
        self.used |= given
        for iterator in iterators:
            iterator.go_to_position()

    def _waits_within(self, path: str) -> bool:
        """Say whether there are values for what is in an object."""
        return any(place.startswith(f"{path}/") or not path for place in self.values)

    def _missing(self) -> list[str]:
        return sorted(path for path in variables(self.root) if path not in self.values)

    def assert_consumed(self) -> Self:
        """Refuse a file with values that no object has."""
        left = sorted(self.values.keys() - self.used)
        if left:
            raise AssertionError(
                f"The checkpoint has values that no object took: {', '.join(left[:5])}. Are all given and built?"
            )
        return self.assert_existing_objects_matched()

    def assert_existing_objects_matched(self) -> Self:
        """Refuse variables that the file has no values of."""
        own = {"save_counter"}
        missing = [path for path in self._missing() if path not in own]
        if missing:
            raise AssertionError(f"The checkpoint has no values of {', '.join(missing[:5])}.")
        return self

    def assert_nontrivial_match(self) -> Self:
        """Refuse a file of which nothing was used."""
        if not self.used:
            raise AssertionError(
                "Nothing of the checkpoint was used: are the objects' names those it has?"
            )
        return self

    def expect_partial(self) -> Self:
        """Say nothing of values that no object took."""
        return self

    def run_restore_ops(self, session: Any = None) -> None:
        """Do nothing: values are there at once."""

    initialize_or_restore = run_restore_ops


def _after_build(thing: Any, path: str, status: Status) -> None:
    """Have `status` told when a layer or an optimizer has made its variables."""
    name = "build" if isinstance(thing, Optimizer) else "_note_built"
    method = getattr(type(thing), name, None)
    if method is None:
        return  # It is of the program's own class, which may call anything `built`.

    @functools.wraps(method)
    def noted(*args: Any, **kwargs: Any) -> Any:
        made = method(thing, *args, **kwargs)
        vars(thing).pop(name, None)
        status.before(path, thing)
        status.attached(path, thing)
        return made

    vars(thing)[name] = noted
