"""Settings, versions, profiling and tests: what of TensorFlow is about the process, in TensorFlow 1's words, too."""

from __future__ import annotations

import contextlib
import unittest
from enum import Enum
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import numpy as np

from trivium.compat.errors import NotCovered
from trivium.compat.hints import hint_for
from trivium.compat.tensorflow.runtime import _nothing
from trivium.compat.written import WRITTEN, covers, covers_older
from trivium.state import set_random_seed

__all__: list[str] = []

# -- settings ---------------------------------------------------------------------------------------------------

for _path in (
    "config.experimental.disable_mlir_bridge", "config.experimental.enable_mlir_bridge",
    "config.experimental.enable_tensor_float_32_execution", "config.experimental.reset_memory_stats",
    "config.experimental.set_device_policy", "config.experimental.set_synchronous_execution",
    "config.optimizer.set_experimental_options", "autograph.experimental.set_loop_options",
    "debugging.disable_traceback_filtering", "debugging.enable_traceback_filtering",
):  # fmt: skip
    WRITTEN[f"tensorflow.{_path}"] = _nothing
for _path, _value in {
    "config.experimental.get_memory_growth": True,
    "config.experimental.get_synchronous_execution": True,
    "config.experimental.get_device_policy": "silent",
    "config.experimental.tensor_float_32_execution_enabled": False,
    "config.get_soft_device_placement": True,
    "config.get_logical_device_configuration": None,
    "config.experimental.get_virtual_device_configuration": None,
    "config.optimizer.get_jit": "autoclustering",  # All is compiled.
    "config.threading.get_inter_op_parallelism_threads": 0,
    "config.threading.get_intra_op_parallelism_threads": 0,
    "debugging.get_log_device_placement": False,
    "debugging.is_traceback_filtering_enabled": True,
    "test.is_built_with_rocm": False,
    "test.is_built_with_xla": True,
    "test.is_cpu_target_available": True,
}.items():
    covers(f"tensorflow.{_path}")(lambda *args, _value=_value: _value)
covers("tensorflow.config.optimizer.get_experimental_options")(lambda: {})


@covers("tensorflow.config.PhysicalDevice")
class _PhysicalDevice(NamedTuple):
    name: str
    device_type: str


@covers("tensorflow.config.LogicalDevice")
class _LogicalDevice(NamedTuple):
    name: str
    device_type: str


@covers("tensorflow.config.experimental.get_memory_info")
def _get_memory_info(device: str) -> dict[str, int]:
    said = jax.devices()[0].memory_stats() or {}
    return {"current": said.get("bytes_in_use", 0), "peak": said.get("peak_bytes_in_use", 0)}


@covers("tensorflow.config.experimental.get_memory_usage")
def _get_memory_usage(device: str) -> int:
    return _get_memory_info(device)["current"]


def _cover_choices(name: str, *choices: str) -> None:
    WRITTEN[f"tensorflow.{name}"] = Enum(name.rpartition(".")[2], {c: c for c in choices})


_cover_choices("VariableAggregation", "NONE", "SUM", "MEAN", "ONLY_FIRST_REPLICA")
_cover_choices("VariableSynchronization", "AUTO", "NONE", "ON_WRITE", "ON_READ")
_cover_choices("autograph.experimental.Feature", "ALL", "AUTO_CONTROL_DEPS", "ASSERT_STATEMENTS", "BUILTIN_FUNCTIONS",
               "EQUALITY_OPERATORS", "LISTS", "NAME_SCOPES")  # fmt: skip

WRITTEN["tensorflow.version.COMPILER_VERSION"] = f"jax {jax.__version__}"
for _name in (
    "GRAPH_DEF_VERSION",
    "GRAPH_DEF_VERSION_MIN_CONSUMER",
    "GRAPH_DEF_VERSION_MIN_PRODUCER",
):
    WRITTEN[f"tensorflow.version.{_name}"] = 0


@covers("tensorflow.sysconfig.get_build_info")
def _get_build_info() -> dict[str, Any]:
    cuda = any(d.platform == "gpu" for d in jax.devices())
    return {"is_cuda_build": cuda, "is_rocm_build": False, "is_tensorrt_build": False}


# -- profiling --------------------------------------------------------------------------------------------------


@covers("tensorflow.profiler.experimental.ProfilerOptions")
class _ProfilerOptions(NamedTuple):
    host_tracer_level: int = 2
    python_tracer_level: int = 0
    device_tracer_level: int = 1
    delay_ms: Any = None


@covers("tensorflow.profiler.experimental.start")
def _start(logdir: str, options: Any = None) -> None:
    jax.profiler.start_trace(logdir)


@covers("tensorflow.profiler.experimental.stop")
def _stop(save: bool = True) -> None:
    jax.profiler.stop_trace()


@covers("tensorflow.profiler.experimental.Profile")
def _profile(logdir: str, options: Any = None) -> Any:
    return jax.profiler.trace(logdir)


@covers("tensorflow.profiler.experimental.Trace")
def _trace(name: str, **kwargs: Any) -> Any:
    step = kwargs.pop("step_num", None)
    if step is None:
        return jax.profiler.TraceAnnotation(name, **kwargs)
    return jax.profiler.StepTraceAnnotation(name, step_num=step)


# -- tests ------------------------------------------------------------------------------------------------------


@covers("tensorflow.test.TestCase")
class _TestCase(unittest.TestCase):
    """`unittest.TestCase` with what TensorFlow's has for arrays."""

    def assertAllClose(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: Any = None
    ) -> None:
        jax.tree.map(
            lambda x, y: np.testing.assert_allclose(x, y, rtol, atol, err_msg=msg or ""), a, b
        )

    def assertAllEqual(self, a: Any, b: Any, msg: Any = None) -> None:
        jax.tree.map(lambda x, y: np.testing.assert_array_equal(x, y, err_msg=msg or ""), a, b)

    def assertShapeEqual(self, input_a: Any, input_b: Any, msg: Any = None) -> None:
        self.assertEqual(np.shape(input_a), np.shape(input_b), msg)

    def assertNear(self, f1: float, f2: float, err: float, msg: Any = None) -> None:
        self.assertTrue(abs(f1 - f2) <= err, msg or f"{f1} and {f2} differ by more than {err}.")


@covers("tensorflow.test.main")
def _main(argv: Any = None) -> None:
    unittest.main(argv=argv)


# -- TensorFlow 1 -----------------------------------------------------------------------------------------------


class _Settings(SimpleNamespace):
    """Settings that are taken and have no meaning here: `config.gpu_options.allow_growth = True`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        setattr(self, name, made := _Settings())
        return made


class _Session:
    """A session that programs make for its settings alone, and that runs nothing."""

    def __init__(self, target: str = "", graph: Any = None, config: Any = None) -> None:
        if graph is not None:
            raise NotCovered(
                f"tf.compat.v1.Session(graph=) is not covered. {hint_for('tensorflow.Session')}"
            )

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def as_default(self) -> Any:
        return contextlib.nullcontext(self)

    def close(self) -> None:
        pass

    def run(self, *args: Any, **kwargs: Any) -> Any:
        raise NotCovered(
            f"tf.compat.v1.Session.run is not covered. {hint_for('tensorflow.Session')}"
        )


_V1 = "tensorflow.compat.v1"
for _name in ("ConfigProto", "GPUOptions", "OptimizerOptions"):
    covers_older(f"{_V1}.{_name}")(type(_name, (_Settings,), {"__module__": __name__}))
for _name in ("Session", "InteractiveSession"):
    covers_older(f"{_V1}.{_name}")(type(_name, (_Session,), {"__module__": __name__}))
for _name in ("enable_eager_execution", "enable_v2_behavior", "enable_resource_variables", "reset_default_graph",
              "enable_v2_tensorshape", "enable_control_flow_v2"):  # fmt: skip
    covers_older(f"{_V1}.{_name}")(lambda *args, **kwargs: None)
covers_older(f"{_V1}.set_random_seed", f"{_V1}.random.set_random_seed")(
    lambda seed: set_random_seed(int(seed))
)
covers_older(f"{_V1}.executing_eagerly", f"{_V1}.executing_eagerly_outside_functions")(lambda: True)
covers_older(f"{_V1}.get_logger")(lambda: WRITTEN["tensorflow.get_logger"]())


def _log(level: str) -> Any:
    def log(msg: str, *args: Any, **kwargs: Any) -> None:
        getattr(WRITTEN["tensorflow.get_logger"](), level)(msg, *args)

    return log


for _level in ("debug", "info", "warning", "warn", "error", "fatal"):
    covers_older(f"{_V1}.logging.{_level}")(
        _log({"warn": "warning", "fatal": "critical"}.get(_level, _level))
    )
covers_older(f"{_V1}.logging.get_verbosity")(lambda: WRITTEN["tensorflow.get_logger"]().level)
