"""What else programs take from TensorFlow: variables, dtypes, devices, settings of the process."""

from __future__ import annotations

import contextlib
import logging
import math
import sys
from typing import Any, NamedTuple

import jax
import numpy as np

from trivium.compat.errors import NotCovered
from trivium.compat.tensorflow.shapes import TensorShape
from trivium.compat.tensorflow.variables import PartlyAssigned
from trivium.compat.written import WRITTEN, covers
from trivium.data.kinds import AnyRows, AnySparse, AnyStrings
from trivium.data.strings import summary
from trivium.state.variable import Variable

__all__: list[str] = []

# -- variables, dtypes, shapes' descriptions --------------------------------------------------------------------


class _AnyVariable(type):
    """Makes each of our variables an instance of TensorFlow's."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Variable)


@covers("tensorflow.Variable")
class _Variable(PartlyAssigned, metaclass=_AnyVariable):
    def __init__(
        self,
        initial_value: Any,
        trainable: bool | None = True,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: Any = None,
        constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        value = initial_value() if callable(initial_value) else initial_value
        super().__init__(value, dtype=dtype, trainable=trainable is not False, name=name)
        self.constraint = constraint

    @property
    def shape(self) -> Any:
        return TensorShape(super().shape)

    def get_shape(self) -> Any:
        return self.shape

    def read_value(self) -> Any:
        return self.value

    def assign(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        super().assign(value)
        return self.value

    def assign_add(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        super().assign_add(value)
        return self.value

    def assign_sub(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        super().assign_sub(value)
        return self.value


@covers("keras.backend.variable")
def _backend_variable(
    value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None
) -> Any:
    return _Variable(value, name=name, dtype=dtype, constraint=constraint)


@covers("keras.backend.set_value")
def _set_value(x: Any, value: Any) -> None:
    x.assign(value)


@covers("keras.backend.update")
def _update(x: Any, new_x: Any) -> Any:
    return x.assign(new_x)


@covers("keras.backend.update_add")
def _update_add(x: Any, increment: Any) -> Any:
    return x.assign_add(increment)


@covers("keras.backend.update_sub")
def _update_sub(x: Any, decrement: Any) -> Any:
    return x.assign_sub(decrement)


@covers("keras.backend.count_params")
def _count_params(x: Any) -> int:
    return math.prod(x.shape)


@covers("keras.backend.batch_get_value")
def _batch_get_value(tensors: Any) -> list[Any]:
    return [np.asarray(x) for x in tensors]


@covers("keras.backend.batch_set_value")
def _batch_set_value(tuples: Any) -> None:
    for x, value in tuples:
        x.assign(value)


WRITTEN["tensorflow.Tensor"] = jax.Array
WRITTEN["tensorflow.newaxis"] = None


# -- the process ------------------------------------------------------------------------------------------------


class _Device(NamedTuple):
    name: str
    device_type: str


@covers(
    "tensorflow.config.list_physical_devices",
    "tensorflow.config.experimental.list_physical_devices",
    "tensorflow.config.get_visible_devices",
    "tensorflow.config.experimental.get_visible_devices",
)
def _list_physical_devices(device_type: str | None = None) -> list[_Device]:
    return _devices("/physical_device", device_type)


@covers("tensorflow.config.list_logical_devices")
def _list_logical_devices(device_type: str | None = None) -> list[_Device]:
    return _devices("/device", device_type)


def _devices(prefix: str, kind: str | None) -> list[_Device]:
    accelerators = [d.platform.upper() for d in jax.devices() if d.platform != "cpu"]
    kinds = ["CPU", *accelerators]
    devices = [_Device(f"{prefix}:{k}:{kinds[:i].count(k)}", k) for i, k in enumerate(kinds)]
    return [d for d in devices if kind is None or d.device_type == kind]


@covers(
    "tensorflow.config.LogicalDeviceConfiguration",
    "tensorflow.config.experimental.VirtualDeviceConfiguration",
)
class _DeviceConfiguration(NamedTuple):
    memory_limit: Any = None
    experimental_priority: Any = None
    experimental_device_ordinal: Any = None


@covers("tensorflow.config.experimental.get_device_details")
def _get_device_details(device: Any) -> dict[str, Any]:
    return {"device_name": jax.devices()[0].device_kind} if device.device_type != "CPU" else {}


@covers("tensorflow.test.is_gpu_available")
def _is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    return bool(_devices("", "GPU"))


@covers("tensorflow.test.gpu_device_name")
def _gpu_device_name() -> str:
    return next((d.name for d in _devices("/device", "GPU")), "")


@covers("tensorflow.device")
def _device(device_name: Any) -> Any:
    wanted = str(device_name).upper()
    used = jax.devices()[0].platform.upper()
    if used not in wanted:
        raise NotCovered(
            f"tf.device({device_name!r}): JAX computes on the {used} here. Choose the kind of device for the whole "
            "program with the environment variable JAX_PLATFORMS (cpu, cuda), before it starts."
        )
    return contextlib.nullcontext()


@covers("tensorflow.name_scope")
def _name_scope(name: str) -> Any:
    return contextlib.nullcontext(f"{name}/")


@covers("tensorflow.print")
def _print(
    *inputs: Any, output_stream: Any = None, end: str = "\n", sep: str = " ", **kwargs: Any
) -> None:
    stream = output_stream if hasattr(output_stream, "write") else sys.stderr

    def write(*values: Any) -> None:
        print(*values, sep=sep, end=end, file=stream)

    if any(isinstance(x, jax.core.Tracer) for x in inputs):
        arrays = [x for x in inputs if isinstance(x, jax.Array)]

        def fill(*values: Any) -> None:
            given = iter(values)
            write(*(next(given) if isinstance(x, jax.Array) else x for x in inputs))

        jax.debug.callback(fill, *arrays)
        return
    alone = len(inputs) == 1 and isinstance(inputs[0], AnyStrings)
    write(summary(inputs[0], quoted=False)) if alone else write(*map(_shown, inputs))


def _shown(x: Any) -> Any:
    """Return a tensor as TensorFlow prints it, and anything else as it is."""
    if isinstance(x, Variable):
        x = x.value
    tensors = jax.Array | AnyStrings | AnyRows | AnySparse
    if isinstance(x, list | tuple) and any(isinstance(v, tensors) for v in x):
        return "[" + ", ".join(str(_shown(v)) for v in x) + "]"
    if isinstance(x, AnySparse):
        parts = {"indices": x.indices, "values": x.values, "shape": x.dense_shape}  # type: ignore[attr-defined]
        return f"'SparseTensor({', '.join(f'{k}={summary(v)}' for k, v in parts.items())})'"
    return summary(x) if isinstance(x, tensors) else x


@covers("tensorflow.get_logger")
def _get_logger() -> logging.Logger:
    return logging.getLogger("tensorflow")


@covers("tensorflow.autograph.experimental.do_not_convert")
def _do_not_convert(func: Any = None) -> Any:
    return func if func is not None else _do_not_convert


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Accept a setting that has no meaning here: memory, threads and determinism are JAX's matter."""


for _path in (
    "autograph.set_verbosity", "compat.v1.logging.set_verbosity", "config.optimizer.set_jit",
    "config.experimental.enable_op_determinism", "config.experimental.set_memory_growth",
    "config.experimental.set_virtual_device_configuration", "config.experimental.set_visible_devices",
    "config.set_logical_device_configuration", "config.set_visible_devices",
    "config.set_soft_device_placement", "config.threading.set_inter_op_parallelism_threads",
    "config.threading.set_intra_op_parallelism_threads", "debugging.set_log_device_placement",
):  # fmt: skip
    WRITTEN[f"tensorflow.{_path}"] = _nothing
for _level in ("DEBUG", "INFO", "WARN", "ERROR", "FATAL"):
    WRITTEN[f"tensorflow.compat.v1.logging.{_level}"] = getattr(logging, _level)
covers("tensorflow.executing_eagerly")(lambda: True)
covers("tensorflow.test.is_built_with_cuda", "tensorflow.test.is_built_with_gpu_support")(
    lambda: bool(_devices("", "GPU"))
)
covers("tensorflow.nest.map_structure")(lambda func, *structure: jax.tree.map(func, *structure))
covers("tensorflow.nest.flatten")(lambda structure: jax.tree.leaves(structure))
