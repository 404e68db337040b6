"""`tf.data`: the face of `trivium.data.Dataset`, which takes TensorFlow's arguments about threads and names as well."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, Self

import numpy as np

from trivium.compat.errors import NotCoveredError
from trivium.compat.tensorflow.errors import as_tensorflow_s, raised_in_python
from trivium.compat.tensorflow.shapes import TensorShape
from trivium.compat.tensorflow.specs import spec_of
from trivium.compat.written import WRITTEN, covers
from trivium.data import Dataset
from trivium.data.pipeline.stages import INFINITE, UNKNOWN
from trivium.state import named_arguments, suggest
from trivium.state.functions import needs_plain_run
from trivium.state.variable import Variable

__all__ = ["TFDataset"]


@covers("tensorflow.data.Iterator")
class _Iterator:
    """The elements of one pass, one after another; a checkpoint notes how far it is."""

    def __init__(self, dataset: TFDataset) -> None:
        self._dataset = dataset
        self._passed, self._number = 0, dataset._passes
        self._elements = dataset.elements_from(self._number, 0)
        self.position = Variable(np.zeros(2, "int32"), trainable=False, name="position")

    def note_position(self) -> None:
        """Have the variable say which pass it is and how many elements there were."""
        self.position.assign([self._number, self._passed])

    def go_to_position(self) -> None:
        """Go on where the variable says."""
        number, passed = np.asarray(self.position.value).tolist()
        if (number, passed) != (self._number, self._passed):
            self._number, self._passed = number, passed
            self._elements = self._dataset.elements_from(number, passed)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        element = next(self._elements)
        self._passed += 1
        return element

    def get_next(self) -> Any:
        """Return the next element."""
        try:
            return self.__next__()
        except StopIteration as error:
            error.args = ("The dataset has no more elements.",)
            raise as_tensorflow_s(error, "OUT_OF_RANGE") from None

    @property
    def element_spec(self) -> Any:
        """What `Dataset.element_spec` says."""
        return self._dataset.element_spec


def _beside(look: Callable[[Any, Any], None], element: Any, wanted: Any) -> None:
    """Call a function with each array of an element and what stands in its place in a signature."""
    if isinstance(element, tuple) and isinstance(wanted, tuple | list):
        for part, its in zip(element, wanted, strict=False):
            _beside(look, part, its)
    elif isinstance(element, dict) and isinstance(wanted, dict):
        for name in element.keys() & wanted.keys():
            _beside(look, element[name], wanted[name])
    elif not isinstance(element, tuple | dict):
        look(element, wanted)


@covers("tensorflow.data.Dataset")
class TFDataset(Dataset):
    """`trivium.data.Dataset` as programs for TensorFlow know it.

    Example:
        >>> [int(i) for i in TFDataset.range(4).map(lambda i: i + 1, num_parallel_calls=-1, name="plus")]
        [1, 2, 3, 4]
    """

    def __iter__(self) -> Iterator[Any]:
        needs_plain_run("`for` goes over a dataset there")
        return _Iterator(self)

    @classmethod
    def from_generator(
        cls,
        generator: Any,
        output_types: Any = None,
        output_shapes: Any = None,
        args: Any = (),
        output_signature: Any = None,
    ) -> Self:
        """Make a dataset of what a function yields; what it raises is of TensorFlow's class as well as its own."""

        @functools.wraps(generator)
        def told(*given: Any) -> Iterator[Any]:
            with raised_in_python():
                yield from generator(*given)

        return super().from_generator(told, output_types, output_shapes, args, output_signature)

    @staticmethod
    def _fitting(element: Any, signature: Any, shapes: Any) -> Any:
        def look(array: Any, wanted: Any) -> None:
            wanted = getattr(wanted, "shape", None) if signature is not None else wanted
            if hasattr(array, "shape") and not TensorShape(wanted).is_compatible_with(array.shape):
                what = f"`generator` yielded an element of shape {tuple(array.shape)}"
                raise as_tensorflow_s(TypeError(f"{what}; the signature says {wanted}."))

        wanted = shapes if signature is None else signature
        if wanted is not None:
            _beside(look, element, wanted)
        return element

    def with_options(self, options: Any) -> Self:
        """Return the dataset itself: options are about TensorFlow's threads and devices."""
        return self

    @staticmethod
    def _spec(array: Any) -> Any:
        return spec_of(array)

    def __getattr__(self, name: str) -> Any:
        from trivium.compat.vocabulary import member_absence

        known = inspect.getattr_static(type(self), name, None)
        if isinstance(known, property) and known.fget is not None:
            # Its code raised an AttributeError, for which Python asks here, and lost it: say it again.
            return known.fget(self)

        methods = [n for n in dir(TFDataset) if not n.startswith("_")]
        unknown = f"tf.data.Dataset has no {name!r}. {suggest(name, methods)}"
        raise NotCoveredError(member_absence(type(self), name) or unknown)


# What TensorFlow's methods take beside ours, always behind it. It is about threads and the names of nodes, and says
# nothing about the elements.
_NAMED = (
    "bucket_by_sequence_length cache cardinality concatenate enumerate filter flat_map from_generator "
    "from_tensor_slices from_tensors get_single_element group_by_window ignore_errors interleave list_files "
    "padded_batch prefetch random range reduce rejection_resample repeat scan shard shuffle skip take take_while "
    "ragged_batch unbatch unique window with_options zip counter rebatch"
)
_IGNORED = dict.fromkeys(_NAMED.split(), ("name",)) | {
    "map": ("synchronous", "use_unbounded_threadpool", "name"),
    "batch": ("num_parallel_calls", "deterministic", "name"),
    "load": ("element_spec", "compression", "reader_func", "wait", "name"),
    "save": ("compression", "shard_func", "checkpoint_args", "name"),
    "snapshot": ("compression", "reader_func", "shard_func", "name"),
}


def _taking(function: Callable[..., Any], ignored: tuple[str, ...]) -> Callable[..., Any]:
    """Return a function that takes further arguments and leaves them out."""
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    starred = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    kind = inspect.Parameter.KEYWORD_ONLY if starred else inspect.Parameter.POSITIONAL_OR_KEYWORD
    extra = [inspect.Parameter(name, kind, default=None) for name in ignored]
    named = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    taken = signature.replace(
        parameters=[*parameters[: len(parameters) - len(named)], *extra, *named]
    )

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        bound = taken.bind(*args, **kwargs)
        for name in ignored:
            bound.arguments.pop(name, None)
        return function(*bound.args, **bound.kwargs)

    call.__signature__ = taken  # type: ignore[attr-defined]
    if (
        function.__annotations__.get("return") == "Self"
    ):  # `trivium check` reads what a method gives
        call.__annotations__ = {**function.__annotations__, "return": TFDataset}
    return call


for _name, _arguments in _IGNORED.items():
    _method = inspect.getattr_static(TFDataset, _name)
    if isinstance(_method, classmethod):
        setattr(
            TFDataset, _name, classmethod(named_arguments(_taking(_method.__func__, _arguments)))
        )
    else:
        setattr(TFDataset, _name, named_arguments(_taking(_method, _arguments)))


@covers(
    "tensorflow.data.Options",
    "tensorflow.data.ThreadingOptions",
    "tensorflow.data.experimental.AutoShardPolicy",
    "tensorflow.data.experimental.DistributeOptions",
    "tensorflow.data.experimental.OptimizationOptions",
    "tensorflow.data.experimental.ThreadingOptions",
)
class _Options(SimpleNamespace):
    """Settings without a meaning here: whatever they are called, they can be read and set."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        setattr(self, name, _Options())
        return vars(self)[name]


for _policy in ("AUTO", "DATA", "FILE", "HINT", "OFF"):
    setattr(_Options, _policy, _policy)
for _path in ("data", "data.experimental"):
    WRITTEN[f"tensorflow.{_path}.AUTOTUNE"] = -1
    WRITTEN[f"tensorflow.{_path}.INFINITE_CARDINALITY"] = INFINITE
    WRITTEN[f"tensorflow.{_path}.UNKNOWN_CARDINALITY"] = UNKNOWN
covers("tensorflow.data.experimental.cardinality")(lambda dataset: dataset.cardinality())


@covers("tensorflow.data.experimental.Counter")
def _counter(start: int = 0, step: int = 1, dtype: Any = "int64") -> TFDataset:
    return TFDataset.counter(start, step, dtype)


@covers("tensorflow.data.experimental.dense_to_ragged_batch")
def _ragged_batch(
    batch_size: int, drop_remainder: bool = False, row_splits_dtype: Any = None
) -> Any:
    return lambda dataset: dataset.ragged_batch(batch_size, drop_remainder)
