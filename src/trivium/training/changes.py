"""What callbacks change of how a model is trained while a run is at work: what it is compiled with, what is frozen."""

from __future__ import annotations

import warnings
from typing import Any

from trivium.saving.bounds import check_values
from trivium.state.registry import deserialize
from trivium.state.undo import note_undo
from trivium.training.run_state import RunStateError

__all__ = ["Changes"]


class Changes:
    """What is other in a model than when a run began.

    The program that goes on with a run makes and compiles its model as it did at first; the callback that did otherwise
    later is not asked again.

    Args:
        model: The model, as the program has made and compiled it.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._compiled, self._trained = model._trainer, _trained(model)
        # What a file is told of the last compiling: looked up once, since most states are written without another.
        self._last: tuple[Any, Any] = (model._trainer, None)

    def noted(self) -> dict[str, Any]:
        """Return the changes as plain values; nothing where there are none.

        Raises:
            RunStateError: The model was compiled with what no file can hold.
        """
        found: dict[str, Any] = {}
        model = self._model
        if model._trainer is not self._compiled:
            if self._last[0] is not model._trainer:
                self._last = model._trainer, _compiling_of(model)
            found["compiled"] = self._last[1]
        trained = _trained(model)
        if trained != self._trained:
            found["trained"] = trained
        return found

    def make(self, noted: dict[str, Any], where: str) -> None:
        """Make the changes of another process, which are taken back if what surrounds them fails.

        Args:
            noted: What `noted` gave there.
            where: Where that comes from, for messages.

        Raises:
            RunStateError: The model has other layers, or the file names what is not known here.
        """
        model = self._model
        if (trained := noted.get("trained")) is not None:
            before = _trained(model)
            if len(trained) != len(before):
                raise RunStateError(
                    f"The run in {where} is that of another model: it had {len(trained)} layers, and this one has "
                    f"{len(before)}. Give it a folder of its own."
                )
            note_undo(lambda: _train(model, before))
            _train(model, trained)
        if (config := noted.get("compiled")) is not None:
            kept = dict(vars(model))
            note_undo(lambda: vars(model).update(_trainer=kept["_trainer"]))
            try:
                check_values(config, where)
                model.compile_from_config(config)
            except Exception as error:
                raise RunStateError(
                    f"The run in {where} had compiled its model anew, and so it cannot be compiled here: {error}"
                ) from error


def _trained(model: Any) -> list[bool]:
    with model._look():  # Each `fit` asks.
        return [layer.trainable for layer in model._flatten_layers()]


def _train(model: Any, flags: list[bool]) -> None:
    # The outer ones first, since they set those inside of them, too.
    for layer, flag in zip(list(model._flatten_layers()), flags, strict=True):
        if layer.trainable != flag:
            layer.trainable = flag


def _compiling_of(model: Any) -> dict[str, Any]:
    """Return what a model is compiled with, if another process can compile it so."""
    try:
        if not type(model).compile.__module__.startswith("trivium."):
            raise TypeError(f"{type(model).__name__} has a `compile` of its own.")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            config: dict[str, Any] = model.get_compile_config()
        deserialize(config)
    except Exception as error:
        raise RunStateError(
            f"A callback has compiled model {model.name!r} anew with what no file can hold, so the state of the run "
            f"cannot be kept: {error} Register your functions and classes "
            "(`trivium.saving.register_keras_serializable()`), compile before `fit`, or call `fit` once for each way "
            "of training, each with a `resume` of its own."
        ) from error
    return config
