"""The graph of a model beside its config: what a file is loaded as where somebody's classes are not known."""

from __future__ import annotations

import json
import warnings
from typing import Any

from trivium.saving.archive import GRAPH, Archive, Folder
from trivium.saving.bounds import checked_config, read_json
from trivium.saving.places import has_own_state, walk
from trivium.state.registry import deserialize, knows, serialize
from trivium.state.registry.tables import is_of_library
from trivium.state.safety import UnknownNameError

__all__ = ["configs", "model_of_graph"]


def configs(model: Any) -> tuple[Any, dict[str, bytes]]:
    """Return a model's config, and as a part of its own the graph of one that is made of somebody's own classes.

    Args:
        model: The model.

    Raises:
        NotImplementedError: It has no config, and its graph cannot be saved instead.
    """
    try:
        config = serialize(model)
    except (NotImplementedError, TypeError, ValueError) as error:
        try:
            graph = model._captured_config()
        except Exception as refusal:
            error.add_note(f"Its graph cannot be saved instead, either: {refusal}")
            raise error from None
        warnings.warn(
            f"Model {model.name!r} has no config, so what is saved is its graph, which loads as a `CapturedModel`: "
            f"{error}",
            stacklevel=5,
        )
        return {**graph, "compile_config": model.get_compile_config()}, {}
    if knows(config):
        return config, {}
    try:
        _check_open(model)
        said = {"graph": model._captured_config(), "steps": _own_steps(model)}
    except Exception as error:  # What the model's own code may raise; the file is whole without it.
        said = {"graph": None, "why": f"{type(error).__name__}: {error}"}
    return config, {GRAPH: json.dumps(said).encode()}


def _check_open(model: Any) -> None:
    """Raise an error if a layer's weights are in the file in a way that its class alone reads."""
    for _, inner in walk(model):
        if is_of_library(type(inner).__module__) or not has_own_state(inner, "save_own_variables"):
            continue
        store: dict[str, Any] = {}
        inner.save_own_variables(store)
        if not {id(v) for v in inner._own_weights()} <= set(map(id, store.values())):
            raise NotImplementedError(
                f"{type(inner).__name__} keeps its weights in a way of its own (`save_own_variables`); where it puts "
                "the variables themselves into the store, a graph can have them, too."
            )


def _own_steps(model: Any) -> list[str]:
    """Return how a model's class trains and tests otherwise than by what it was compiled with: no graph has that."""
    steps = ("train_step", "test_step", "predict_step", "compute_loss", "compute_metrics")
    return [name for name in steps if not is_of_library(getattr(type(model), name).__module__)]


def model_of_graph(archive: Archive | Folder, source: str, error: UnknownNameError) -> Any:
    """Return the model that is the graph in a file, since the file names what is not known here.

    Args:
        archive: The file.
        source: What to call it in messages.
        error: What is not known.

    Raises:
        UnknownNameError: The file has no graph.
    """
    if GRAPH not in archive.names():
        raise error
    stored = read_json(archive.read(GRAPH), f"{source}: {GRAPH}")
    if not stored.get("graph"):
        error.add_note(
            f"The file has no graph of the model, which could stand for it: {stored.get('why')}"
        )
        raise error
    model = deserialize(checked_config(stored["graph"], source))
    steps = ", ".join(f"`{name}`" for name in stored.get("steps") or ())
    lost = f" It trains and tests without {steps} of its class." if steps else ""
    warnings.warn(
        f"{source}: {error} What is loaded is the graph that was saved with the model.{lost}",
        stacklevel=4,
    )
    return model
