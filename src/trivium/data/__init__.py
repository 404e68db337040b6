"""Data: what a user passes to `fit`, made into arrays or into a stream of batches, and a lazy pipeline.

Example:
    >>> import numpy as np
    >>> import trivium as tv
    >>> x, y = np.arange(6.0), np.arange(6)
    >>> batches = tv.data.Dataset.from_tensor_slices((x, y)).shuffle(6).batch(4)
    >>> [len(batch[0]) for batch in batches]
    [4, 2]
"""

import importlib
from typing import TYPE_CHECKING, Any

from trivium.data.adapter import make_source
from trivium.data.checks import class_weights_to_sample_weights
from trivium.data.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight, validation_split
from trivium.data.pydataset import PyDataset
from trivium.data.source import Source
from trivium.data.sources import ArraySource
from trivium.data.streams import StreamSource
from trivium.state import suggest

if TYPE_CHECKING:
    from trivium.data.pipeline import Dataset, ErrorLog
    from trivium.data.records import RecordWriter, from_bytes, from_records, from_text
    from trivium.data.tables import from_csv, from_parquet, from_table

# Most programs pass arrays: the pipeline and the tables are imported by those that ask for them.
_LATER = {
    "Dataset": "trivium.data.pipeline",
    "ErrorLog": "trivium.data.pipeline",
    "RecordWriter": "trivium.data.records",
    "from_bytes": "trivium.data.records",
    "from_records": "trivium.data.records",
    "from_text": "trivium.data.records",
    "from_csv": "trivium.data.tables",
    "from_parquet": "trivium.data.tables",
    "from_table": "trivium.data.tables",
}


_ROOMS = ("ragged", "sparse", "strings")


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"trivium.data.{name}")
    if name not in _LATER:
        raise AttributeError(
            f"module 'trivium.data' has no attribute {name!r}. {suggest(name, __all__)}"
        )
    value = globals()[name] = getattr(importlib.import_module(_LATER[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "ArraySource",
    "Dataset",
    "ErrorLog",
    "PyDataset",
    "RecordWriter",
    "Source",
    "StreamSource",
    "class_weights_to_sample_weights",
    "from_bytes",
    "from_csv",
    "from_parquet",
    "from_records",
    "from_table",
    "from_text",
    "make_source",
    "pack_x_y_sample_weight",
    "ragged",
    "sparse",
    "strings",
    "unpack_x_y_sample_weight",
    "validation_split",
]
