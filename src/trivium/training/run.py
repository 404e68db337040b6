"""Runs: one call of `fit`, `evaluate` or `predict`, its passes and the callbacks at their edges."""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from trivium.state import Variable, global_seed
from trivium.state.placing import handed_over
from trivium.state.plain import (
    NotPlain,
    OwnState,
    copied,
    host_randomness,
    set_host_randomness,
)
from trivium.state.session import session
from trivium.training.callbacks import CallbackList
from trivium.training.changes import Changes
from trivium.training.held_optimizers import build_held, held_variables, trained_by_held
from trivium.training.logs import late_numbers, numbers
from trivium.training.loop import Pass
from trivium.training.outputs import joined
from trivium.training.run_state import (
    Place,
    RunState,
    RunStateError,
    check_variables,
    named_variables,
    set_seed,
)
from trivium.training.transaction import Transaction

__all__ = ["Run"]

# What a callback is given, or works with in one process only.
_GIVEN = ("model", "params", "validates", "run")
# What a hook sets on the model to end a pass after the step that is going on.
_STOPS = {"train": "stop_training", "test": "stop_evaluating", "predict": "stop_predicting"}


class Run:
    """A model at work with its callbacks.

    Args:
        model: The model.
        watchers: The callbacks.
        change: What undoes the getting ready until there is something new in the model.

    Attributes:
        place: Where a `fit` is.
        keepers: Who keeps the run's state, asked at the edges of steps and epochs when all callbacks have run there.
        resumed: The state that the run goes on from.
    """

    def __init__(self, model: Any, watchers: CallbackList, change: Transaction) -> None:
        self.model, self.watchers, self._change = model, watchers, change
        self.place = Place()
        self.keepers: list[Any] = []
        self.resumed: RunState | None = None
        self._train: Pass | None = None
        self._own: list[OwnState] = []
        self._changed: dict[str, Any] = {}
        self._stepping = False

    def train(
        self, train: Pass, test: Pass | None, epochs: range, validate: Callable[[int], bool]
    ) -> None:
        """Train for some epochs.

        Args:
            train: The pass over the training data.
            test: The pass over the validation data.
            epochs: The epochs' numbers.
            validate: Says after which epochs to validate.
        """
        model, watchers = self.model, self.watchers
        model.stop_training = False
        self._train, self._began = train, _steps_of(model)
        self._changes = Changes(model)
        self.place = Place(epochs.start)
        try:
            watchers.set_run(self)
            watchers.on_train_begin()
            if self.keepers:
                self._own = [OwnState(callback, _GIVEN) for callback in watchers.callbacks]
            if self.resumed is not None:
                epochs = range(self.resumed.place.epoch, epochs.stop)
                if not self.resumed.place.step:
                    self._take_up(self.resumed)
            if not self.place.stopped:
                self._train_epochs(train, test, epochs, validate)
            optimizer = model.optimizer
            if optimizer is not None and optimizer.built:
                with model._look():
                    trained = model.trainable_variables
                optimizer.finalize_variable_values(trained)
            watchers.on_train_end(self.place.logs)
        except KeyboardInterrupt as error:
            error.add_note(self._interrupted())
            raise
        finally:
            for keeper in self.keepers:
                keeper.settle()
            watchers.set_run(None)  # Callbacks live on, and the run holds the data.

    def _train_epochs(
        self, train: Pass, test: Pass | None, epochs: range, validate: Callable[[int], bool]
    ) -> None:
        model, watchers = self.model, self.watchers
        for epoch in epochs:
            self.place = Place(epoch, 0, _moment(model), self._source_place(), self.place.logs)
            watchers.on_epoch_begin(epoch)
            train.renew()
            self._reset()
            if self.resumed is not None and (epoch, True) == (
                self.resumed.place.epoch, self.resumed.place.step > 0
            ):  # fmt: skip
                # What the hooks have done at the epoch's beginning is part of what is taken up.
                self._take_up(self.resumed)
            before = self.place
            results = self._drive(train, before.moment, before.step)
            if results is None:
                if not before.step:
                    break  # The data had nothing left: there is no epoch to report.
                results = dict(before.logs)  # Another process has done all of its steps.
            if test is not None and validate(epoch):
                results |= {f"val_{k}": v for k, v in self.evaluate(test).items()}
            logs = dict(sorted(results.items()))
            watchers.on_epoch_end(epoch, logs)
            stopped = model.stop_training or train.source.exhausted
            self.place = Place(epoch + 1, logs=logs, source=self._source_place(), stopped=stopped)
            train.progress = 0, None
            for keeper in self.keepers:
                keeper.at_epoch(self, last=stopped or epoch + 1 == epochs.stop)
            if model.stop_training:
                break
            if train.source.exhausted and epoch + 1 < epochs.stop:
                warnings.warn(
                    f"The training data ran out after epoch {epoch + 1} of {epochs.stop}, which ends the training. A "
                    "generator that is to serve all epochs goes on without end, and `steps_per_epoch` cuts it.",
                    stacklevel=5,
                )
                break

    def __reduce__(self) -> Any:
        # A run is at work in one process: a copy of a callback, which holds it, has none.
        return type(None), ()

    # -- the state of a run -------------------------------------------------------------------------------------

    def go_on_from(self, state: RunState, where: str) -> None:
        """Take up another process's run once the callbacks have begun, in place of beginning anew.

        Args:
            state: Its state.
            where: Where it comes from, for messages.

        Raises:
            RunStateError: It is the state of another run.
        """
        assert self._train is not None
        if state.began != self._began:
            raise RunStateError(
                f"The run in {where} began when the optimizer had taken {state.began} steps; this one begins at "
                f"{self._began}. To go on with it, make and compile the model anew. Each `fit` of a program needs a "
                "folder of its own; remove that one to begin anew."
            )
        if state.changes:
            self._changes.make(state.changes, where)
            self._changed = state.changes
            self._train.renew()
        build_held(self.model, state.held)
        check_variables(self._named(), state.variables, where)
        mine = [type(callback).__name__ for callback in self.watchers.callbacks]
        theirs = [name for name, _ in state.callbacks]
        if mine != theirs:
            raise RunStateError(
                f"The run in {where} had the callbacks {', '.join(theirs)}; this one has {', '.join(mine)}. Give the "
                "same ones, or a folder of its own."
            )
        self.resumed, self.place = state, state.place

    def state(self) -> RunState:
        """Return the state of the run as it is, in memory of its own."""
        assert self._train is not None
        changes = self._changes.noted()
        if changes != self._changed:
            # By a hook that has just run: the pass has not asked yet what there is to train now.
            self._changed = changes
            self._train.renew()
        return RunState(
            self.place,
            self._began,
            {name: np.array(variable.peek()) for name, variable in self._named().items()},
            global_seed(),
            session().position,
            host_randomness(),
            [
                (type(callback).__name__, _noted(callback, own))
                for callback, own in zip(self.watchers.callbacks, self._own, strict=True)
            ],
            changes,
            trained_by_held(self.model),
        )

    def _named(self) -> dict[str, Variable]:
        """Return all variables of the run by name."""
        assert self._train is not None
        return named_variables([*self._train.groups, held_variables(self.model)])

    def _source_place(self) -> dict[str, Any]:
        return self._train.source.place() if self.keepers and self._train is not None else {}

    def _take_up(self, state: RunState) -> None:
        """Give everything the state that it had in another process."""
        assert self._train is not None
        self._change.commit()
        for variable, array in zip(self._named().values(), state.variables.values(), strict=True):
            variable.replace(handed_over(array))
        state.variables.clear()  # So that they are in memory once.
        set_seed(state.seed, state.position)
        if state.place.source:
            # A stream reads again what it has read, and so brings the process's randomness to where it was.
            self._train.source.go_to(state.place.source)
        else:
            set_host_randomness(state.randomness)
        for callback, (_, noted) in zip(self.watchers.callbacks, state.callbacks, strict=True):
            if hasattr(callback, "set_state"):
                callback.set_state(noted)
            else:  # One of another library.
                vars(callback).update(noted)
        self.place = state.place

    def _note(self, done: int, logs: dict[str, Any]) -> None:
        self.place = dataclasses.replace(self.place, step=done, logs=logs)

    def _interrupted(self) -> str:
        """Have the state kept, where it is that of a moment between two steps; return what there is to say."""
        assert self._train is not None
        done, result = self._train.progress
        if self._stepping and result is not None:
            self._note(done, numbers(result))
            for keeper in self.keepers:
                keeper.at_interrupt(self)
        # A hook's own moment is none to go on from, so what is kept may be that of a step before.
        step = self.place.step if self.keepers else done
        where = f"epoch {self.place.epoch + 1}, after {step} of its steps"
        if not self.keepers:
            return (
                f"Training was interrupted in {where}. The model has the weights of that moment and can be used. With "
                "`fit(..., resume=folder)` a run that was interrupted goes on when the program is started again."
            )
        return (
            f"Training was interrupted in {where}, and is kept in {self.keepers[0].where}. Start the program again to "
            "go on to the same bits."
        )

    def evaluate(self, test: Pass) -> dict[str, Any]:
        """Return the results of an evaluation.

        Args:
            test: The pass.
        """
        self._reset()
        self.model.stop_evaluating = False
        self.watchers.on_test_begin()
        if self.watchers.callbacks:
            test.renew()
        logs = self._drive(test) or {}
        self.watchers.on_test_end(logs)
        return logs

    def predict(self, work: Pass) -> Any:
        """Return the outputs of a pass, batch after batch.

        Args:
            work: The pass.
        """
        watchers, hooks = self.watchers, work.chunk is not None
        parts: list[Any] = []
        told = 0
        self.model.stop_predicting = False
        watchers.on_predict_begin()
        if watchers.callbacks:
            work.renew()
        steps = work.run(
            before=watchers.on_predict_batch_begin if hooks else None,
            stopping=self._stopping("predict"),
        )
        with contextlib.closing(steps):
            for done, outputs, ends in steps:
                if outputs is not None:
                    parts.append(outputs)
                    watchers.on_chunk_end("predict", done, {})
                if ends and hooks:
                    watchers.on_predict_batch_end(done - 1, {"outputs": joined(parts[told:])})
                    told = len(parts)
                    if self.model.stop_predicting:
                        break
        watchers.on_predict_end()
        return joined(parts)

    def _reset(self) -> None:
        with self.model._look():
            self._change.keep(self.model.metrics_variables)
            self.model.reset_metrics()

    def _stopping(self, kind: str) -> Callable[[], bool]:
        """Return what says whether a pass of a kind is to end."""
        model, flag = self.model, _STOPS[kind]
        return lambda: bool(getattr(model, flag))

    def _drive(
        self, work: Pass, moment: tuple[int, int] = (0, 0), skip: int = 0
    ) -> dict[str, Any] | None:
        """Run one pass with callbacks at the edges of its chunks; return the last logs, `None` if there was no step."""
        watchers, kind = self.watchers, work.kind
        hooks = work.chunk is not None
        begin, end = (getattr(watchers, f"on_{kind}_batch_{edge}") for edge in ("begin", "end"))
        train = kind == "train"
        keepers = self.keepers if train else []
        logs: dict[str, Any] | None = None
        self._stepping = train
        stopping = self._stopping(kind)
        steps = work.run(moment, begin if hooks else None, stopping, skip)
        with contextlib.closing(steps):  # At once, whatever a hook raises.
            for done, result, ends in steps:
                # What a hook has half done when it is interrupted is no moment between two steps.
                self._stepping = False
                if result is not None:
                    logs = late_numbers(result)
                    watchers.on_chunk_end(kind, done, logs)
                if ends and hooks:
                    end(done - 1, logs)
                self._change.commit()
                if keepers and (ends or not hooks):
                    self._note(done, logs or {})
                    for keeper in keepers:
                        keeper.at_step(self, done)
                if stopping():
                    break
                self._stepping = train
            work.settle()
        self._stepping = False
        return None if logs is None else dict(logs)


def _moment(model: Any) -> tuple[int, int]:
    """Return what the order of the samples follows from: the seed, and the steps that the optimizer has taken."""
    return global_seed(), _steps_of(model)


def _steps_of(model: Any) -> int:
    optimizer = model.optimizer
    return int(optimizer.iterations) if optimizer is not None and optimizer.built else 0


def _noted(callback: Any, own: OwnState) -> dict[str, Any]:
    """Return what a callback has noted for itself: what it says, or its plain attributes that have changed."""
    say = getattr(callback, "get_state", None)
    noted: dict[str, Any] | None = None if say is None else say()
    if noted is None:
        return own.changed()
    try:  # A copy, since it is written while training goes on.
        copy: dict[str, Any] = copied(noted)
    except NotPlain as error:
        raise TypeError(
            f"{type(callback).__name__}.get_state returned {error}, which cannot be kept: give numbers, texts, arrays, "
            "and lists, tuples, sets and dicts of them."
        ) from None
    return copy
