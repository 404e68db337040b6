"""How a layer is called: on arrays it runs, on symbolic tensors it is recorded; the mode, masks and losses go along."""

from __future__ import annotations

import contextlib
import warnings
import weakref
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.data.kinds import AnyRows, AnyStrings
from trivium.data.sparse import is_sparse
from trivium.data.texts import as_texts, holds_text
from trivium.graph import any_symbolic, is_recording, is_symbolic, record, stands_for_text
from trivium.graph.shared_shapes import blank, shared
from trivium.layers.building import Buildable, shape_of
from trivium.layers.checks import known
from trivium.layers.context import entering, note_build
from trivium.layers.input_spec import check_input
from trivium.layers.signature import signature_of
from trivium.state import StatelessScope, Variable
from trivium.state.dtypes import is_float, standardize_dtype
from trivium.state.frame import Call, Frame, current_autocast, current_frame, entered
from trivium.state.masks import get_mask, set_mask
from trivium.state.retracing import note_traced, shared_traces, traces_of
from trivium.state.scopes import (
    add_losses,
    autocast_scope,
    current_scope,
    in_shape_scope,
    losses_by_call,
    paired,
)
from trivium.state.traces import NOTHING, refuses_variables
from trivium.state.trees import keep_order, map_tree, named_leaves
from trivium.state.undo import undone_on_error

__all__ = ["Called"]


class Called(Buildable):
    """The part of `Layer` that runs its `call`, or has it recorded."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs for arrays, or record the call on symbolic tensors.

        Args:
            args: What `call` takes: arrays, symbolic tensors, nested structures of them.
            kwargs: What `call` takes; `training` goes on to every layer inside that does not say otherwise.

        Returns:
            What `call` returns.

        Raises:
            ValueError: The inputs are not what the layer takes; the message names its path.
        """
        frame = current_frame()
        if frame.sharing:
            note_traced()
        if self._parent is None and frame.layers:
            self._parent = weakref.ref(frame.layers[-1])
        if self._built_alone and frame.layers:
            self._take_place(inside=True)
        accepts = signature_of(type(self))
        if not args and accepts.first in kwargs:  # `layer(inputs=x)` is `layer(x)`.
            kwargs = dict(kwargs)
            args = (kwargs.pop(accepts.first),)
        if args and isinstance(args[0], AnyRows) and not self._has_users_code:
            return self._on_rows(args[0], args[1:], kwargs)
        training = self._mode(args, kwargs, frame.training)
        with entering(self, training) as mine:
            try:
                with NOTHING if self._is_placed() else undone_on_error():
                    outputs = self._call_in(frame, mine, args, kwargs)
            except Exception as error:
                _say_where(error, self, mine.path, args)
                raise
        if frame.call is None and mine.call is not None:
            self._keep_losses(frame, mine.call.losses)
        return outputs

    def _on_rows(self, rows: Any, args: Any, kwargs: Any) -> Any:
        """Return the outputs for rows of several lengths: such a layer takes their entries, or none of it."""
        if not self._takes_entries:
            raise TypeError(
                f"Layer {self.path!r} ({type(self).__name__}) takes dense arrays; got a ragged one of the shape "
                f"{rows.shape}. `.to_tensor()` fills its rows up to one length."
            )
        return rows.with_flat_values(self(rows.flat_values, *args, **kwargs))

    def _call_in(
        self, outer: Frame, mine: Frame, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        needed = signature_of(type(self)).needed
        if not args and needed is not None:
            raise TypeError(
                f"Layer {self.path!r} ({type(self).__name__}) was called without its input: write "
                f"`layer({needed})`."
            )
        symbolic = any_symbolic(args, kwargs) and not stands_for_text((args, kwargs))
        # What the caller would hand down anyway is no part of a node.
        given = kwargs.get("training")
        said = {} if given is None or given is outer.training else {"training": given}
        if not symbolic:
            args, kwargs = self._cast((args, kwargs))
        kwargs = self._with_inherited(args, kwargs, mine.training)
        self._check_inputs(args, mine.path)
        if not self._is_placed():
            self._maybe_build(args, kwargs)
            self._check_inputs(args, mine.path)  # Building may have said more.
        if symbolic or outer.binder is not None:
            outputs = self._record(args, kwargs, said, record if symbolic else outer.binder)
        elif in_shape_scope():
            outputs = shared(self, args, kwargs, lambda: self._run(args, kwargs), blank)
        else:
            outputs = self._run(args, kwargs)
        self._pass_mask(args, outputs)
        if outer.trail is not None:
            outer.trail.append((self, shape_of(outputs)))
        if outer.watched is not None and not symbolic and self in outer.watched:
            outer.watched[self].append(outputs)
        return outputs

    def _check_inputs(self, args: tuple[Any, ...], path: str) -> None:
        if self.input_spec is not None and args:
            check_input(self.input_spec, args[0], path, type(self).__name__)

    def _cast(self, tree: tuple[Any, dict[str, Any]]) -> Any:
        """Turn NumPy arrays into JAX's and float inputs into the compute dtype, in `(args, kwargs)`."""
        compute = self.compute_dtype if self.autocast else None

        def cast(x: Any) -> Any:
            if not isinstance(x, jax.Array):
                if is_sparse(x):
                    x = x.toarray()
                if isinstance(x, AnyStrings) or (
                    isinstance(x, np.ndarray | np.generic)
                    and x.dtype.kind in "OSTU"
                    and holds_text(x)
                ):
                    return as_texts(x, "inputs")
                if isinstance(x, np.ndarray | np.generic):
                    x = jnp.asarray(x, None if x.dtype != np.float64 else standardize_dtype(None))
            if compute and isinstance(x, jax.Array) and x.dtype != compute and is_float(x.dtype):
                return _keeping_mask(x, x.astype(compute))
            return x

        args, kwargs = tree
        if not kwargs and len(args) == 1 and isinstance(args[0], jax.Array):
            return (cast(args[0]),), kwargs  # Most calls.
        return map_tree(cast, tree)

    def _mode(self, args: Any, kwargs: dict[str, Any], inherited: bool | None) -> bool | None:
        """Return the mode for the layers inside: what the call says, `call` taking it or not, or the one outside."""
        position = signature_of(type(self)).position("training")
        given = args[position] if len(args) > position else kwargs.get("training")
        return inherited if given is None else given

    def _with_inherited(
        self, args: Any, kwargs: dict[str, Any], training: bool | None
    ) -> dict[str, Any]:
        """Fill in `training` from the mode, and masks from the inputs, where `call` takes them and none were given."""
        accepts = signature_of(type(self))
        if (parameter := accepts.training) is None:
            kwargs = {k: v for k, v in kwargs.items() if k != "training"}
        elif len(args) <= accepts.position("training"):
            if training is None:
                training = parameter.default if isinstance(parameter.default, bool) else False
            kwargs = {**kwargs, "training": training}
        for name in accepts.masks:
            if kwargs.get(name) is None and len(args) <= accepts.position(name):
                mask = self._inherited_mask(name, args, kwargs)
                if mask is not None:
                    kwargs = {**kwargs, name: mask}
        return kwargs

    def _inherited_mask(self, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
        """Return the mask of the tensor that the mask argument `name` belongs to."""
        names = signature_of(type(self)).names
        source = names[0] if name == "mask" and names else name.removesuffix("_mask")
        value = kwargs.get(source)
        if source in names and len(args) > names.index(source):
            value = args[names.index(source)]
        return _masks_of(value)

    def _run(self, args: Any, kwargs: Any) -> Any:
        with self._autocasting(), traces_of(self) if self._calls_users_code else shared_traces():
            if self._remat is None:
                outputs = self.call(*args, **kwargs)
            else:
                outputs = self._remat.applied(self.name, self.call, args, kwargs)
        if self.activity_regularizer is not None:
            for output in jax.tree_util.tree_leaves(outputs):
                # A mean over the batch, so that the penalty's weight does not depend on its size.
                self.add_loss(self.activity_regularizer(output) / (output.shape or (1,))[0])
        return outputs

    def _autocasting(self) -> contextlib.AbstractContextManager[Any]:
        """Return the scope in which the layer's code reads float variables in the dtype that it computes in."""
        policy = self._own_policy()
        autocast = policy.compute_dtype if self.autocast else None
        if autocast == policy.variable_dtype:
            autocast = None
        return NOTHING if autocast == current_autocast() else autocast_scope(autocast)

    def _record(self, args: Any, kwargs: Any, said: dict[str, Any], record: Any) -> Any:
        """Record the call as one node.

        Args:
            args: The arguments.
            kwargs: The keyword arguments, filled in.
            said: The mode, where the call says another one than its caller: it is part of the node, also where the
                layer's own `call` has no such argument and only hands it down.
            record: What makes the node.
        """
        kept = {k: v for k, v in kwargs.items() if k != "training"} | said

        def traced(*a: Any, **k: Any) -> Any:
            k.pop("training", None)
            with entered(call=Call()):
                return self._run(*self._cast((a, {**kwargs, **k})))

        outputs = record(self, args, kept, traced)
        first = jax.tree_util.tree_leaves(outputs)
        if not is_recording() and first and is_symbolic(first[0]):
            note_build(self)
            self._inbound_nodes.append(first[0].node)
        return outputs

    def _pass_mask(self, args: Any, outputs: Any) -> None:
        """Put the outputs' masks beside them."""
        previous = _masks_of(args[0]) if args else None
        if previous is None and type(self).compute_mask is Called.compute_mask:
            return
        inputs = args[0] if args else None
        flat = jax.tree_util.tree_leaves(outputs)
        if any(get_mask(x) is not None for x in flat):
            return  # A model's own graph has said it.
        mask = self.compute_mask(inputs, previous)
        if mask is None:
            return
        # Masks come in the outputs' structure, or in a row; where there are more than outputs, the first count.
        masks = named_leaves(keep_order(outputs, mask), "mask")
        for (_, x), (_, m) in zip(named_leaves(outputs, "outputs"), masks, strict=False):
            if x is not None and m is not None:
                set_mask(x, m)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Return the outputs' mask, given the inputs'.

        Args:
            inputs: The inputs.
            previous_mask: Their mask or masks, or `None`.
        """
        if previous_mask is None or self.supports_masking:
            return previous_mask
        warnings.warn(
            f"Layer {self.path!r} ({type(self).__name__}) was given an input with a mask and does not pass masks on: "
            "what follows sees no mask. Set `supports_masking = True` in the layer if its output keeps the time axis.",
            stacklevel=4,
        )
        return None

    def stateless_call(
        self,
        trainable_variables: Any,
        non_trainable_variables: Any,
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Call the layer as a pure function of its variables' values.

        Args:
            trainable_variables: Values in the order of `trainable_variables`; or the variables themselves.
            non_trainable_variables: Values in the order of `non_trainable_variables`; or the variables themselves.
            args: The layer's arguments.
            return_losses: Whether to return the losses too.
            kwargs: The layer's keyword arguments.

        Returns:
            `(outputs, non_trainable_variables)`, and `losses` third if asked for.

        Raises:
            ValueError: The layer is not built, or the number of values is not that of the variables.
        """
        if not self.built:
            raise ValueError(
                f"Layer {self.path!r} is not built, so it has no variables to map: call it on data, or "
                "`build(input_shape)`, before `stateless_call`."
            )
        mine = self.trainable_variables, self.non_trainable_variables
        values = [
            [v.value if isinstance(v, Variable) else v for v in given]
            for given in (trainable_variables, non_trainable_variables)
        ]
        for what, variables, given in zip(("", "non-"), mine, values, strict=True):
            if len(variables) != len(given):
                raise ValueError(
                    f"Layer {self.path!r} has {len(variables)} {what}trainable variables; got {len(given)} values."
                )
        with StatelessScope(paired(mine, values), collect_losses=True) as scope:
            outputs = self(*args, **kwargs)
            losses = self.losses if return_losses else []
        after = [scope.get_current_value(v) for v in mine[1]]
        return (outputs, after, losses) if return_losses else (outputs, after)

    # -- losses -------------------------------------------------------------------------------------------------

    def add_loss(self, loss: Any) -> None:
        """Add to the loss, from inside `call`.

        Args:
            loss: A scalar, or a list of them.
        """
        losses = jax.tree_util.tree_leaves(loss)
        if not add_losses(losses):
            self._losses.extend(losses)

    def _keep_losses(self, frame: Frame, losses: list[Any]) -> None:
        calls = losses_by_call() if frame.scopes else None
        if calls is not None:
            calls.pop(id(self), None)
            calls[id(self)] = self, losses
        elif losses or self._losses:
            self._losses = losses

    def _regularization_losses(self) -> list[Any]:
        return [v.regularizer(v.value) for v in self.trainable_weights if v.regularizer is not None]

    @property
    def losses(self) -> list[Any]:
        """The losses of the last call, and the regularizers' penalties on the weights."""
        scope, calls = current_scope(), losses_by_call()
        added = scope.losses if scope is not None and scope.collect_losses else self._losses
        if calls is not None:
            mine = {id(layer) for layer in self._flatten_layers()}
            added = [x for layer, losses in calls.values() if id(layer) in mine for x in losses]
        return [*added, *self._regularization_losses()]


def _masks_of(value: Any) -> Any:
    """Return the mask of a tensor, or a list of masks for a list; `None` where there is none at all."""
    if isinstance(value, list | tuple):
        masks = [_masks_of(v) for v in value]
        return masks if any(m is not None for m in masks) else None
    if isinstance(value, dict):
        named = {k: _masks_of(v) for k, v in value.items()}
        return named if any(m is not None for m in named.values()) else None
    return get_mask(value)


def _keeping_mask(x: Any, y: Any) -> Any:
    mask = get_mask(x)
    if mask is not None:
        set_mask(y, mask)
    return y


def _say_where(error: Exception, layer: Called, path: str, args: Any) -> None:
    """Note on an error from inside a call which layer it came from, once."""
    if getattr(error, "_trivium_noted", False):
        return
    shapes = [str(known(x.shape)) for x in jax.tree_util.tree_leaves(args) if hasattr(x, "shape")]
    error.add_note(
        f"In layer {path!r} ({type(layer).__name__}), called on input of shape {', '.join(shapes) or '()'}."
    )
    if refuses_variables(error):
        error.add_note(
            "Functions of JAX's want arrays, and got a variable: give them its value, as in "
            "`jnp.dot(x, self.kernel.value)`, or use those of `trivium.ops`, which take variables."
        )
    error._trivium_noted = True  # type: ignore[attr-defined]
