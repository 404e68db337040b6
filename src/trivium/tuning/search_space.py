"""The space of a search: all hyperparameters that any process of it has met."""

from __future__ import annotations

from trivium.state import suggest
from trivium.tuning.errors import FatalRuntimeError, FatalValueError
from trivium.tuning.hyperparameter import HyperParameter
from trivium.tuning.hyperparameters import HyperParameters
from trivium.tuning.store import Store

__all__ = ["SearchSpace"]


class SearchSpace:
    """The hyperparameters that a search knows, which its processes add to.

    Args:
        hyperparameters: Hyperparameters that take the place of those of the same names in `build`.
        allow_new_entries: Whether `build` may define others than `hyperparameters`.
        tune_new_entries: Whether those are searched over; where not, they have their defaults.

    Raises:
        FatalValueError: There would be nothing to search over.
    """

    def __init__(
        self,
        hyperparameters: HyperParameters | None,
        allow_new_entries: bool,
        tune_new_entries: bool,
    ) -> None:
        if hyperparameters is None and not (allow_new_entries and tune_new_entries):
            what = "allow_new_entries" if not allow_new_entries else "tune_new_entries"
            raise FatalValueError(
                f"{what}=False leaves nothing to search over without `hyperparameters`: give those to tune."
            )
        self.hyperparameters = (hyperparameters or HyperParameters()).copy()
        self._given = {one.key for one in self.hyperparameters.space}
        self.allow_new_entries, self.tune_new_entries = allow_new_entries, tune_new_entries
        self._store: Store | None = None

    @property
    def store(self) -> Store:
        """Where the trials are."""
        if self._store is None:
            raise FatalRuntimeError(f"{type(self).__name__} belongs to no tuner yet.")
        return self._store

    def reload(self) -> None:
        """Read the search's space anew: others may have added to it."""
        space = self.store.noted("space")
        if space is not None:
            self.hyperparameters = HyperParameters.from_config(space)

    def get_space(self) -> HyperParameters:
        """Return the hyperparameters that are known, with values to fill in."""
        return self.hyperparameters.copy()

    def update_space(self, hyperparameters: HyperParameters) -> None:
        """Take in hyperparameters that `build` has defined.

        Args:
            hyperparameters: The hyperparameters.

        Raises:
            FatalValueError: There are new ones, and `allow_new_entries` is `False`.
        """
        known = self.hyperparameters
        new = [one for one in hyperparameters.space if known.find(one.name, one.conditions) is None]
        if new and not self.allow_new_entries:
            names = ", ".join(repr(one.name) for one in new)
            raise FatalValueError(
                f"`build` defines {names}, and with allow_new_entries=False only `hyperparameters` count: "
                f"{suggest(new[0].name, known.values)}"
            )
        if not new:
            return
        self._merge(new)
        if self._store is not None:
            with self.store.turn():
                mine, noted = self.hyperparameters, self.store.noted("space")
                if noted is not None:  # Other processes define things, too.
                    self.hyperparameters = HyperParameters.from_config(noted)
                    self._merge(mine.space)
                self.store.note("space", self.hyperparameters.get_config())

    def _merge(self, ones: list[HyperParameter]) -> None:
        self.hyperparameters.merge(ones, overwrite=False)

    def join_space(self, mine: HyperParameters) -> None:
        """Agree with what the storage knows of the space.

        Args:
            mine: What this program's `build` defines.

        Raises:
            FatalValueError: A hyperparameter there has another definition.
        """
        with self.store.turn():
            noted = self.store.noted("space")
            theirs = HyperParameters.from_config(noted) if noted else HyperParameters()
            for one in mine.space:
                other = theirs.find(one.name, one.conditions)
                if other is not None and (type(other), other.get_config()) != (
                    type(one),
                    one.get_config(),
                ):
                    raise FatalValueError(
                        f"The search that is there has {other!r}, and this program has {one!r}. Give the search a "
                        "`project_name` of its own, or `overwrite=True`."
                    )
            theirs.merge(mine.space, overwrite=False)
            self.hyperparameters = theirs
            self.store.note("space", theirs.get_config())

    def searched(self, one: HyperParameter) -> bool:
        """Say whether a hyperparameter is searched over."""
        return self.tune_new_entries or one.key in self._given
