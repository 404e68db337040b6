"""Calls outside of any program, compiled: one program in place of a hundred small ones.

A layer in a data pipeline is called on arrays, image by image. Run op by op, a warp would be dispatched in tens of
pieces, each of which takes longer than its work.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import jax

from trivium.graph import is_recording
from trivium.layers.base import Layer
from trivium.layers.own_names import is_ours
from trivium.state.configured import arguments
from trivium.state.effects import Pure, purely, put_back
from trivium.state.frame import current_frame

__all__ = ["run_compiled"]

# How many programs a layer keeps: for so many sizes of images, which a folder of photographs may have.
_KEPT = 64
_Programs = OrderedDict[Any, tuple[Pure, Callable[..., Any]]]
_programs: weakref.WeakKeyDictionary[Layer, _Programs] = weakref.WeakKeyDictionary()


def run_compiled(layer: Layer, function: Callable[..., Any], tree: Any, training: bool) -> Any:
    """Return `function(tree, training)`, compiled where it stands in no program, and what it draws is put back.

    A user's class runs as it is written, for debuggers and prints.

    Args:
        layer: The layer whose work it is: its settings, and those of the layers inside, belong to the program.
        function: A function of a structure of arrays and a truth value.
        tree: The structure.
        training: The truth value.
    """
    leaves, structure = jax.tree_util.tree_flatten(tree)
    traced = any(not isinstance(x, jax.Array) or isinstance(x, jax.core.Tracer) for x in leaves)
    ours = all(is_ours(type(each).__module__) for each in (layer, *layer._flatten_layers()))
    if traced or not ours or is_recording() or current_frame().binder is not None:
        return function(tree, training)
    kinds = tuple((x.shape, x.dtype) for x in leaves)
    key = structure, kinds, training, *map(_settings, (layer, *layer._flatten_layers()))
    known = _programs.setdefault(layer, OrderedDict())
    if key not in known:
        # Not a method of the layer, which would be kept alive by its own programs.
        own = weakref.WeakMethod(function)

        def run(arrays: Any) -> Any:
            method = own()
            assert method is not None
            return method(arrays, training)

        [pure] = purely(run, args=(tree,))
        known[key] = pure, jax.jit(pure)
        if len(known) > _KEPT:
            known.popitem(last=False)
    known.move_to_end(key)
    pure, program = known[key]
    result, values, _ = program(pure.now(), tree)
    put_back(pure, values, None)
    return result


def _settings(layer: Layer) -> str:
    return repr([getattr(layer, name, None) for name in arguments(type(layer)) if name != "name"])
