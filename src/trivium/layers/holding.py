"""What a layer is: its name and dtype, and what belongs to it, found by looking."""

from __future__ import annotations

import operator
import weakref
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from trivium.layers.settings import Settings
from trivium.metrics import Metric
from trivium.state import Variable, auto_name, to_snake_case
from trivium.state.copying import Copied
from trivium.state.dtype_policies import DTypePolicy, DTypePolicyMap, get_policy
from trivium.state.names import checked_name
from trivium.state.tracking import LAYERS, in_one_look, members, unique

__all__ = ["Holder"]

_WAS_TRAINED = operator.attrgetter("made_trainable")


class Holder(Copied, Settings):
    """The part of `Layer` that knows its name, its dtypes and what belongs to it: layers, variables, metrics."""

    _tracked_as = LAYERS
    # Whether `call` may be code of the user's, which may hand layers to JAX as plain functions.
    _has_users_code: ClassVar[bool] = False
    # Whether its call may run such code: a layer of the library's, too, with an activation of the user's.
    _calls_users_code: bool = False
    # Whether each entry of the input becomes what it does whatever stands beside it, and wherever it stands.
    _takes_entries: ClassVar[bool] = False
    _untracked: frozenset[str] = frozenset(
        {"_call_args", "_inbound_nodes", "_losses", "_build_shapes", "_sequential_input"}
    )

    _owned_by = "_parent"

    # Whether there is nothing to build, unless a subclass overrides `build`: such layers are built from the start.
    _stateless: ClassVar[bool] = False
    # Attributes that have other names in files.
    _stored_names: ClassVar[dict[str, str]] = {}
    built: bool
    supports_masking: bool
    input_spec: Any
    activity_regularizer: Any
    autocast: bool
    _name: str | None
    _named_by_itself: bool
    _policy: DTypePolicy | None
    _trainable: bool
    _remat: Any
    _parent: weakref.ref[Any] | None
    _build_index: int | None
    _built_alone: bool  # Not yet built or called by another layer: then its place is to come.
    _build_shapes: tuple[Any, ...] | None
    _sequential_input: dict[str, Any]
    _added: list[Variable]
    _inbound_nodes: list[Any]
    _losses: list[Any]

    def _snapshot(self) -> Callable[[], None]:
        """Return a function that makes the layer what it is now, for a transaction that fails."""
        before = dict(vars(self))
        lists = {key: list(before[key]) for key in ("_added", "_inbound_nodes")}

        def restore() -> None:
            # The error's text may have its name, so the layer keeps the one it has got meanwhile.
            named = {"_name": self._name, "_named_by_itself": self._named_by_itself}
            vars(self).clear()
            vars(self).update(before | lists | named)

        return restore

    def _holds(self) -> Iterable[Any]:
        return (*self._layers, *self._own_weights())

    def __getstate__(self) -> dict[str, Any]:
        _ = self.name  # A copy has the same, though nobody may have asked for it yet.
        state = super().__getstate__()
        # A copy has the graphs it is in if they are copied too, and then they say so.
        calls = state.pop("_inbound_nodes")
        state["_sources"] = [node for node in calls if node.is_source]
        state["_losses"] = []
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        sources = state["_sources"]
        super().__setstate__({k: v for k, v in state.items() if k != "_sources"})
        vars(self).setdefault("_inbound_nodes", []).extend(sources)

    # -- identity -----------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name, unique among the automatic ones."""
        if self._name is None:  # Its class has not called `super().__init__()`, or not yet.
            self._name_itself()
        return str(self._name)

    @name.setter
    def name(self, value: str) -> None:
        self._name = checked_name(value, self)

    def _name_itself(self) -> None:
        self._name = auto_name(to_snake_case(type(self).__name__))
        self._named_by_itself = True

    @property
    def path(self) -> str:
        """The names from the outermost model to this layer, joined by `/`."""
        parent = self._parent() if self._parent is not None else None
        return f"{parent.path}/{self.name}" if parent is not None else self.name

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The policy that says what the layer computes and keeps its variables in."""
        if self._policy is None:
            self._policy = get_policy(None)
        return self._policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        self._policy = get_policy(value)

    def _own_policy(self) -> DTypePolicy:
        """Return the policy of this very layer, where it was given policies by path."""
        policy = self.dtype_policy
        return policy[self.path] if isinstance(policy, DTypePolicyMap) else policy

    @property
    def dtype(self) -> str:
        """The dtype of the variables."""
        return self._own_policy().variable_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the variables."""
        return self._own_policy().variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype of the computation."""
        return self._own_policy().compute_dtype

    @property
    def quantization_mode(self) -> str | None:
        """How the kernel is quantized: `"int8"`, `"int4"`, `"float8"`; `None` where it is not."""
        return self._own_policy().quantization_mode

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    # -- what it is made of -------------------------------------------------------------------------------------

    @property
    def _layers(self) -> list[Any]:
        """The layers directly inside, in the order of assignment."""
        return list(members(self).layers)

    def _flow_layers(self) -> list[Any]:
        """The layers directly inside in the order of the data's flow: in which this one built or called them first."""
        layers, far = self._layers, 1 << 60
        if len(layers) > 1:
            layers.sort(key=lambda x: far if x._build_index is None else x._build_index)
        return layers

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list[Any]:
        """This layer and those inside it, each before its own inner ones."""
        if not recursive:
            return unique([*([self] if include_self else []), *self._layers])
        every = self._every_layer()
        return every if include_self else every[1:]

    @in_one_look
    def _every_layer(self) -> list[Any]:
        found: dict[int, Any] = {}
        waiting = [self]
        while waiting:
            layer = waiting.pop()
            if id(layer) not in found:
                found[id(layer)] = layer
                waiting.extend(reversed(layer._layers))
        return list(found.values())

    def _classes_inside(self) -> dict[str, type]:
        """The user's classes of the layers inside, by name: who has the layer knows them, registered or not."""
        classes = [type(layer) for layer in self._flatten_layers(include_self=False)]
        return {c.__name__: c for c in classes if c.__module__.partition(".")[0] != "trivium"}

    def _own_weights(self) -> list[Variable]:
        # Those that `add_weight` made come first: their list is the layer's first attribute.
        variables = list(members(self).variables)
        if len(variables) > 1:
            variables.sort(key=_WAS_TRAINED, reverse=True)
        return variables

    def _stored_places(self) -> dict[str, Variable]:
        """Return the layer's own weights by their names in files; `group/name` where they have a group of their own."""
        return {str(i): variable for i, variable in enumerate(self._own_weights())}

    def _stored_besides(self) -> dict[str, Any]:
        """Return arrays that files have for Keras alone, by their names."""
        return {}

    def _gather(
        self, name: str, own: Callable[[Any], Iterable[Any]], flow: bool = True
    ) -> list[Any]:
        """Return what a property of this name has: what this layer and those inside hold themselves, each once.

        A class with a property of its own is asked. Layers may hold each other.
        """
        found: dict[int, Any] = {}
        seen: set[int] = set()
        common = getattr(Holder, name)

        def add(layer: Any) -> None:
            seen.add(id(layer))
            found.update((id(x), x) for x in own(layer))
            for inner in layer._flow_layers() if flow else layer._layers:
                if getattr(type(inner), name) is not common:
                    found.update((id(x), x) for x in getattr(inner, name))
                elif id(inner) not in seen:
                    add(inner)

        add(self)
        return list(found.values())

    @property
    def weights(self) -> list[Variable]:
        """All variables but those of random generators and metrics: own ones first, trainable before others."""
        return self._gather("weights", lambda layer: layer._own_weights())

    @property
    @in_one_look
    def variables(self) -> list[Variable]:
        """All variables but those of metrics."""
        return self._gather("variables", lambda layer: layer._own_variables())

    def _own_variables(self) -> list[Variable]:
        return [*self._own_weights(), *(generator.state for generator in members(self).seeds)]

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that optimizers change."""
        return [w for w in self.weights if w.trainable] if self.trainable else []

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that optimizers change."""
        return [v for v in self.variables if v.trainable] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that optimizers leave alone."""
        return [w for w in self.weights if not w.trainable] if self.trainable else self.weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that optimizers leave alone, random generators' states among them."""
        return [v for v in self.variables if not v.trainable] if self.trainable else self.variables

    @property
    def metrics(self) -> list[Metric]:
        """The metrics among the attributes, and those of the layers inside."""
        return self._gather("metrics", lambda layer: members(layer).metrics, flow=False)

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of `metrics`."""
        return [v for metric in self.metrics for v in metric.variables]

    @property
    def trainable(self) -> bool:
        """Whether the layer is trained; setting it sets it for everything inside."""
        return bool(self._trainable)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = self._checked_trainable(value)
        for layer in self._every_layer():
            if layer is not self and type(layer).trainable is not Holder.trainable:
                layer.trainable = value  # A class has a setter of its own.
                continue
            layer._trainable = value
            for v in layer._own_weights():
                v.frozen = not value

    def _checked_trainable(self, value: Any) -> bool:
        if isinstance(value, bool | np.bool_):
            return bool(value)
        listed = isinstance(value, Holder) or (
            isinstance(value, list | tuple) and any(isinstance(x, Holder) for x in value)
        )
        raise TypeError(
            f"{type(self).__name__} {self.name!r}: `trainable` is True or False; got {value!r}."
            + (" Put the layers in a list: `Sequential([a, b])`." if listed else "")
        )

    def count_params(self) -> int:
        """Return the number of numbers in the weights.

        Raises:
            ValueError: The layer is not built, so nobody knows.
        """
        if not self.built:
            raise ValueError(
                f"Layer {self.path!r} has no weights yet, because the shape of its input is not known: call it on "
                "data, or `build(input_shape)`, before `count_params()`."
            )
        return sum(w.size for w in self.weights)

    def get_weights(self) -> list[np.ndarray]:
        """Return the weights' values, in the order of `weights`."""
        return [w.numpy() for w in self.weights]

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Put the layer's own weights, not those of layers inside, into a store under `"0"`, `"1"` and so on.

        A class may override it, to keep something else in files, and `load_own_variables` with it.

        Args:
            store: A dict, or something that takes arrays by name as one does.
        """
        for name, variable in self._stored_places().items():
            store[name] = variable

    def load_own_variables(self, store: Any) -> None:
        """Set the layer's own weights from what `save_own_variables` put into a store.

        Args:
            store: A dict, or something that has arrays by name as one does.

        Raises:
            ValueError: Their number or a shape differs; no weight has been changed.
        """
        mine = self._stored_places()
        names = mine if len(store) == len(mine) else map(str, range(len(store)))
        shapes = [tuple(np.shape(store[k])) for k in names if k in store]
        wanted = [variable.shape for variable in mine.values()]
        if shapes != wanted:
            raise ValueError(
                f"Layer {self.path!r} has weights of the shapes {wanted}; got {shapes}."
                + ("" if self.built else " It is not built yet: call it on data first.")
            )
        for name, variable in mine.items():
            variable.assign(store[name])

    def set_weights(self, weights: list[Any]) -> None:
        """Set the weights' values.

        Args:
            weights: Arrays in the order and of the shapes of `get_weights()`.

        Raises:
            ValueError: Their number or a shape differs; no weight has been changed.
        """
        mine = self.weights
        if len(weights) != len(mine):
            raise ValueError(
                f"Layer {self.path!r} has {len(mine)} weights; got {len(weights)} arrays."
                + ("" if self.built else " It is not built yet: call it on data first.")
            )
        for variable, value in zip(mine, weights, strict=True):
            if tuple(np.shape(value)) != variable.shape:
                raise ValueError(
                    f"Weight {variable.path!r} has shape {variable.shape}; got an array of shape {np.shape(value)}."
                )
        for variable, value in zip(mine, weights, strict=True):
            variable.assign(value)
