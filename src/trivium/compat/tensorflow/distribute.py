"""`tf.distribute` on one device: what is written for several replicas runs as one of them."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from enum import Enum
from types import SimpleNamespace
from typing import Any

from trivium import ops
from trivium.compat.errors import NotCovered
from trivium.compat.written import WRITTEN, covers

__all__ = ["replicas"]


def replicas() -> int:
    """Return how many replicas a program trains.

    Example:
        >>> replicas()
        1
    """
    return 1


@covers("tensorflow.distribute.ReduceOp")
class _ReduceOp(Enum):
    SUM = "SUM"
    MEAN = "MEAN"


class _Context:
    """What code inside `Strategy.run` asks about its replica, which is the only one."""

    num_replicas_in_sync = 1
    replica_id_in_sync_group = 0

    def __init__(self, strategy: Any) -> None:
        self.strategy = strategy

    def all_reduce(self, reduce_op: Any, value: Any, options: Any = None) -> Any:
        return value

    def merge_call(self, merge_fn: Callable[..., Any], args: Any = (), kwargs: Any = None) -> Any:
        return merge_fn(self.strategy, *args, **(kwargs or {}))


@covers("tensorflow.distribute.Strategy")
class _Strategy:
    """One replica on JAX's first device."""

    num_replicas_in_sync = 1
    cluster_resolver = None

    def __init__(self, devices: Any = None, cross_device_ops: Any = None, **options: Any) -> None:
        names = [devices] if isinstance(devices, str) else list(devices or [])
        if len(names) > 1:
            raise NotCovered(
                f"tf.distribute.{type(self).__name__}: one process trains on one device here; got {len(names)} devices."
            )
        self.extended = SimpleNamespace(worker_devices=("/device:CPU:0",))

    @contextlib.contextmanager
    def scope(self) -> Iterator[Any]:
        outer, _current[:] = list(_current), [self]
        try:
            yield self
        finally:
            _current[:] = outer

    def run(
        self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None, options: Any = None
    ) -> Any:
        return fn(*args, **(kwargs or {}))

    def reduce(self, reduce_op: Any, value: Any, axis: int | None = None) -> Any:
        if axis is None:
            return value
        mean = str(getattr(reduce_op, "value", reduce_op)).upper() == "MEAN"
        return (ops.mean if mean else ops.sum)(value, axis=axis)

    def gather(self, value: Any, axis: int) -> Any:
        return value

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        return (value,)

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        return dataset

    def distribute_datasets_from_function(
        self, dataset_fn: Callable[..., Any], options: Any = None
    ) -> Any:
        context = SimpleNamespace(
            num_input_pipelines=1,
            input_pipeline_id=0,
            num_replicas_in_sync=1,
            get_per_replica_batch_size=lambda global_batch_size: global_batch_size,
        )
        return dataset_fn(context)


def _strategy(name: str, *paths: str) -> None:
    cls: Any = type(name, (_Strategy,), {"__doc__": _Strategy.__doc__, "__module__": __name__})
    covers(f"tensorflow.distribute.{name}", *paths)(cls)


_strategy("MirroredStrategy")
_strategy("OneDeviceStrategy")
_DEFAULT = _Strategy()
_current: list[Any] = []


@covers(
    "tensorflow.distribute.MultiWorkerMirroredStrategy",
    "tensorflow.distribute.experimental.MultiWorkerMirroredStrategy",
)
class _MultiWorker(_Strategy):
    """A cluster of one worker, which is what it is where `TF_CONFIG` names no others."""

    def __init__(self, cluster_resolver: Any = None, communication_options: Any = None) -> None:
        super().__init__()
        workers = (
            json.loads(os.environ.get("TF_CONFIG") or "{}").get("cluster", {}).get("worker", [])
        )
        if len(workers) > 1:
            raise NotCovered(
                f"tf.distribute.MultiWorkerMirroredStrategy: TF_CONFIG names {len(workers)} workers; one process "
                "trains on one device here. Run the program without TF_CONFIG."
            )


@covers("tensorflow.distribute.experimental.CentralStorageStrategy")
class _CentralStorage(_Strategy):
    """Variables on the one device that computes."""


covers("tensorflow.distribute.get_strategy")(lambda: _current[-1] if _current else _DEFAULT)
covers("tensorflow.distribute.has_strategy")(lambda: bool(_current))
covers("tensorflow.distribute.in_cross_replica_context")(lambda: bool(_current))
covers("tensorflow.distribute.get_replica_context")(
    lambda: _Context(_current[-1] if _current else _DEFAULT)
)


@covers("tensorflow.distribute.experimental_set_strategy")
def _set_strategy(strategy: Any) -> None:
    _current[:] = [] if strategy is None else [strategy]


WRITTEN["tensorflow.distribute.RunOptions"] = SimpleNamespace
WRITTEN["tensorflow.distribute.InputOptions"] = SimpleNamespace
