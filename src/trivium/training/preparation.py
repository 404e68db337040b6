"""What happens before anything is trained: the model is built, its losses are matched to the data, its steps are found.

A model says what of that it has: whether it can be called, and what only the host can do to its data.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from typing import Any

import jax
import jax.numpy as jnp

from trivium.data import ArraySource, unpack_x_y_sample_weight
from trivium.data.checks import placed
from trivium.data.convert import refuse_text
from trivium.data.texts import is_text
from trivium.state import StatelessScope, Variable, shape_scope
from trivium.state.frame import entered
from trivium.state.guarding import changes_of, settings_of
from trivium.state.looks import lasting_look, watch
from trivium.state.retracing import in_plain_python
from trivium.state.scopes import Policy
from trivium.state.trees import has_keys, keep_order, key_order, map_tree
from trivium.training.alone import asked_of
from trivium.training.by_rows import ByRows
from trivium.training.callbacks import CallbackList
from trivium.training.compile_state import Compiled
from trivium.training.executables import Programs
from trivium.training.in_place import pure_step, takes_data_alone, touched
from trivium.training.lanes import current_lane
from trivium.training.loop import Pass
from trivium.training.outputs import Outputs
from trivium.training.ready import Ready, State
from trivium.training.row_steps import FEWEST
from trivium.training.scopes import OfTheModel
from trivium.training.steps import Steps

__all__ = ["Preparation"]


class Preparation(Steps):
    """The part of a trainer that makes a `Pass` over data out of the model as it is."""

    def _can_be_called(self) -> bool:
        """Say whether the model can be called: one with a step of its own may hold others and have no `call`."""
        return True

    # What only the host can do is done to the data ahead of the device. A model says what that is.

    def _uses_host(self) -> bool:
        """Say whether there is, or may be, something that only the host can do."""
        return False

    def _host_map(self, training: bool, what: str) -> Callable[[Any], Any] | None:
        """Return what the host does to the inputs of a batch, or of all rows; `None` where there is nothing."""
        return None

    def _finished(self, outputs: Any) -> Any:
        """Return what the host makes of the outputs of a prediction."""
        return outputs

    def _predicts_eagerly(self) -> bool:
        """Say whether outputs depend on text that only the host has, so that batches are predicted one by one."""
        return False

    def _map_source(self, kind: str, source: Any) -> None:
        """Have what the host does to the inputs done as they are read; refuse text where nothing takes it."""
        # Layers may be made in `build`, so only a built model says whether the host has something to do.
        if not self.built:
            try:
                self._build_on(source.example()[0], kind == "train")
            except Exception:
                self._refuse_text(source)  # Says more than what a layer of numbers says of text.
                raise
        self._refuse_text(source)
        if not self._uses_host():
            return
        mapping = self._host_map(kind == "train", source.what)
        if mapping is not None and not self._runs_eagerly(kind):
            with placed(source.what):
                source.map_inputs(mapping)

    def _refuse_text(self, source: Any) -> None:
        """Raise an error for text where nothing in the model takes it."""
        if not self._uses_host():
            with placed(source.what):
                refuse_text(
                    source.data[0] if isinstance(source, ArraySource) else source.example()[0]
                )

    def _runs_eagerly(self, kind: str) -> bool:
        return self.run_eagerly or (kind == "predict" and self._predicts_eagerly())

    def _pass(self, kind: str, source: Any, watchers: CallbackList | None = None) -> Pass:
        """Return a pass of a kind over a source, for the model as it is, built on the data where it was not."""
        made = self._trainer
        self._map_source(kind, source)
        hooks: dict[str, Any] = {}
        if watchers is not None and watchers.wants_batches(kind):
            hooks["chunk"] = made.steps_per_execution if made else 1
            hooks["ahead"] = functools.partial(watchers.batches_ahead, kind)
        # A step's code gets the dicts of a batch in the order that they were written in.
        written = source.data if isinstance(source, ArraySource) else source.example()
        # One batch that is to be predicted is predicted as one.
        form = ByRows if kind == source.what == "predict" else Pass
        work = form(
            kind, source, lambda: self._ready(kind, source, written), self._optimizing, **hooks
        )
        source.require(self._check_batch if kind != "predict" else self._check_inputs_of)
        return work

    def _check_batch(self, batch: Any) -> None:
        """Raise an error for numbers that index nothing; compiled code would take any number for an index."""
        self._check_inputs_of(batch)
        loss = self._trainer.loss if self._trainer is not None else None
        if loss is not None and loss.built:
            loss.check(unpack_x_y_sample_weight(batch)[1])

    def _check_inputs_of(self, batch: Any) -> None:
        self._check_data(unpack_x_y_sample_weight(batch)[0])

    def _check_data(self, x: Any) -> None:
        """Raise an error for inputs that the model cannot take; by default there are none."""

    def _optimizing(self) -> tuple[Any, ...]:
        """Return what is another one when `compile`, or a setting of the optimizer, has been given another value."""
        return self._trainer, *_settings_of(self.optimizer)

    def _ready(self, kind: str, source: Any, written: Any) -> Ready:
        """Build what is not built, and return what a pass of a kind works with, found in one walk over the model."""
        self._prepare(source, kind == "train")
        steps: dict[str, Callable[..., Any]] = {
            "train": self.train_step, "test": self.test_step, "predict": self.predict_step,
        }  # fmt: skip
        step = steps[kind]
        if self._trainer is not None and takes_data_alone(step):
            self._find_touched(self._trainer, kind, step, source)
        asked = _asked(kind, step, written)
        with self._look() as found:
            if asked not in found:
                form = map_tree(lambda _: None, written) if has_keys(written) else None
                found[asked] = self, self._find_ready(kind, step, form)
            ready: Ready = found[asked][1]
        return ready

    def _alone(self, source: Any) -> Callable[[], Any] | None:
        """Return what predicts one batch of arrays, if one of this form has been predicted by the model as it is."""
        if not _is_one_batch(source):
            return None
        asked = _asked("predict", self.predict_step, source.data)
        with self._look() as found:
            ready: Ready | None = found.get(asked, (self, None))[1]
        if ready is None or not ready.alone or current_lane() is not None:
            return None
        alone = ready.alone.get(_asked_alone(source))
        if alone is None:
            return None
        source.require(self._check_inputs_of)
        return lambda: self._finished(alone(source.data))

    def _keep_alone(self, source: Any, work: Pass) -> None:
        """Keep what has predicted the one batch of a pass for others like it."""
        # Neither does the host have a part in it, nor a step of the user's that works in place.
        plain = not (self._uses_host() or takes_data_alone(self.predict_step))
        if plain and _is_one_batch(source):
            work.keep_alone(_asked_alone(source))

    def _find_ready(self, kind: str, step: Callable[..., Any], form: Any) -> Ready:
        """Return what a pass works with, whose batches have dicts with the keys of `form`, if that is not `None`."""
        made, in_place = self._trainer, takes_data_alone(step)
        groups = [self.trainable_variables, self.non_trainable_variables]
        watch((*groups[0], *groups[1], made))
        # What the steps depend on besides arrays: the layers, and what their code reads off them.
        layers = self._flatten_layers()
        depends: list[Hashable] = [(x, x.trainable, settings_of(x)) for x in layers]
        depends.append(_function_of(step))
        if kind == "train":
            if self.optimizer is not None:
                self._ready_optimizer(self.optimizer, groups[0], in_place)
            groups.append(self.optimizer.variables if self.optimizer is not None else [])
            settings = _settings_of(self.optimizer)
            watch((*settings, *(getattr(x, "_schedule", None) for x in settings)))
            depends.extend(settings)
        if kind != "predict":
            groups.append(self.metrics_variables)
            losses = made.loss.functions if made and made.loss and made.loss.built else []
            inner = made.metrics.metrics if made else []
            parts = (*self.metrics, *inner, *losses)
            watch((*parts, made.loss if made else None))
            depends.extend((part, changes_of(part)) for part in parts)
        eager = self._runs_eagerly(kind)
        if in_place:
            if made is not None:
                known = {id(v) for group in groups for v in group}
                others = made.touched[kind][1]
                groups[2 if kind == "train" else 1].extend(v for v in others if id(v) not in known)
            mine = [v for group in groups for v in group]
            policy = Policy() if eager and made else OfTheModel(mine, self.name)
            step = pure_step(step, groups, policy, made.generator if made else None)
        elif kind == "predict":
            step = self._predict_kept
        if eager and made:
            step = self._eagerly(step)
        if form is not None:
            step = _in_order(step, form)
            depends.append(key_order(form))
        return Ready(step, State(*groups), self._programs_kept(), tuple(depends), eager)

    def _programs_kept(self) -> Programs:
        made = self._trainer
        return made.programs if made else vars(self).setdefault("_programs", Programs())

    def _look(self) -> AbstractContextManager[dict[Any, Any]]:
        """Find out what belongs to the model once, for as long as nothing about it changes; see `lasting_look`."""
        return lasting_look(self._programs_kept())

    def _find_touched(
        self, made: Compiled, kind: str, step: Callable[..., Any], source: Any
    ) -> None:
        """Find what a step in place touches besides the model's own variables, where that is not known."""
        form = [(layer, layer.trainable) for layer in self._flatten_layers()]
        if kind in made.touched and made.touched[kind][0] == form:
            return
        if self._runs_eagerly(kind):
            made.touched[kind] = form, []  # They hold their own state.
            return
        if kind == "train" and self.optimizer is not None:
            self._ready_optimizer(self.optimizer, self.trainable_variables, in_place=True)
        found = touched(step, source.example(), made.generator)
        # It may have built layers.
        form = [(layer, layer.trainable) for layer in self._flatten_layers()]
        made.touched[kind] = form, found

    def _prepare(self, source: Any, training: bool) -> None:
        """Build the model, and match the loss and the metrics to its outputs for this data, where that is not done."""
        made = self._trainer
        matched = made is None or made.built or not self._can_be_called()
        if self.built and matched:
            return
        x, y, _ = unpack_x_y_sample_weight(source.example())
        if not self.built:
            self._build_on(x, training)
        if made is not None and not matched and y is not None:
            self._match(made, x, y, training)

    def _build_on(self, x: Any, training: bool) -> None:
        if not self._can_be_called():
            self.built = True
        elif self.run_eagerly:
            # The code may need values. What it does to variables is not meant yet.
            with StatelessScope(collect_losses=True):
                self(map_tree(lambda a: a[:1] if is_text(a) else jnp.asarray(a[:1]), x))
        else:
            # In the mode that is needed first, so that the code need not be read twice.
            self._maybe_build((x,), {"training": training})

    def _match(self, made: Compiled, x: Any, y: Any, training: bool) -> None:
        """Match losses and metrics to the outputs that the model gives for `x`."""

        specs = map_tree(_spec, x)

        def outputs_for(x: Any) -> Any:
            with shape_scope(), entered(folds=[]):  # Equal blocks give equal shapes.
                return self(keep_order(specs, x), training=training)

        if made.run_eagerly:  # The code may need values.
            with StatelessScope(collect_losses=True):
                y_pred = self(x)
        else:
            y_pred = jax.eval_shape(outputs_for, specs)
        outputs = Outputs(y_pred, self.output_names)
        if not outputs.count:
            raise ValueError(
                f"Model {self.name!r} has no outputs: its `call` returned {y_pred!r}. Does it end in `return ...`?"
            )
        made.build(outputs, y)

    def _ready_optimizer(
        self, optimizer: Any, mine: list[Variable], in_place: bool = False
    ) -> None:
        """Build the optimizer, or see that it was built for what the model trains now."""
        if in_place:
            if mine and not optimizer.built and self._can_be_called():
                optimizer.build(mine)
        elif not optimizer.built:
            optimizer.build(mine)
        elif type(self).train_step is Steps.train_step:
            theirs = optimizer._trainable_variables
            if [id(v) for v in mine] != [id(v) for v in theirs]:
                raise ValueError(
                    f"The optimizer {optimizer.name!r} was built for {len(theirs)} variables, and these are not the "
                    f"{len(mine)} that model {self.name!r} trains now: a layer was added or frozen since, or another "
                    "model used it. Call `compile` again, with a new optimizer."
                )

    def _warn_if_untrained(self, work: Pass, stacklevel: int) -> None:
        if work.trains_nothing and type(self).train_step is Steps.train_step:
            warnings.warn(
                f"Model {self.name!r} has no trainable weights, so `fit` changes nothing in it. Are all layers frozen, "
                "or made in `call`, where each call makes new ones? Make them in `__init__`.",
                stacklevel=stacklevel,
            )

    def _predict_kept(self, state: Any, data: Any) -> Any:
        outputs, ntv = self.predict_step(state, data)
        return outputs, (state[0], ntv)

    def _eagerly(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """Return a step in which models written by subclassing run their `call`, not the graph it was read as."""

        @functools.wraps(step)
        def run(*args: Any) -> Any:
            made = self._need("run_eagerly")
            made.stepping = True
            try:
                with in_plain_python():
                    return step(*args)
            finally:
                made.stepping = False

        return run


def _is_one_batch(source: Any) -> bool:
    return isinstance(source, ArraySource) and source.num_samples <= source.batch_size


def _asked_alone(source: Any) -> Hashable:
    """Return what batches have in common that one program predicts; a large one may be in parts for `predict` alone."""
    return asked_of(source.data), source.what if source.num_samples > FEWEST else None


def _asked(kind: str, step: Callable[..., Any], written: Any) -> Hashable:
    """Return what the answer is known by to what a pass of a kind works with."""
    order = key_order(written) if has_keys(written) else None
    return kind, order, _function_of(step)


def _function_of(step: Callable[..., Any]) -> Hashable:
    """Return what is another one when a method has been put into the class in place of another."""
    return getattr(step, "__func__", step)


def _settings_of(optimizer: Any) -> list[Any]:
    """Return the compiled steps of an optimizer and those inside it: new ones when one of their settings is changed."""
    if optimizer is None:
        return []
    inner = [step for one in getattr(optimizer, "inner", ()) for step in _settings_of(one)]
    return [optimizer, getattr(optimizer, "_compiled", None), *inner]


def _spec(x: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(x.shape, x.dtype)


def _in_order(step: Callable[..., Any], written: Any) -> Callable[..., Any]:
    """Return a step that gets batches with the keys of their dicts in the order of `written`."""

    @functools.wraps(step)
    def ordered(state: Any, data: Any) -> Any:
        return step(state, keep_order(written, data))

    return ordered
