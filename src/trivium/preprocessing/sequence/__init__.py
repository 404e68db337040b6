"""Sequences: brought to one length, and what older programs make of them."""

import importlib
from typing import TYPE_CHECKING, Any

from trivium.preprocessing.sequence.padding import pad_sequences
from trivium.state import suggest

if TYPE_CHECKING:
    from trivium.preprocessing.sequence.timeseries_generator import TimeseriesGenerator
    from trivium.preprocessing.sequence.word_pairs import make_sampling_table, skipgrams


def __getattr__(name: str) -> Any:
    # Few programs ask for these: they are imported then.
    if name not in ("TimeseriesGenerator", "make_sampling_table", "skipgrams"):
        raise AttributeError(
            f"module 'trivium.preprocessing.sequence' has no attribute {name!r}. {suggest(name, __all__)}"
        )
    home = "timeseries_generator" if name == "TimeseriesGenerator" else "word_pairs"
    module = importlib.import_module(f"trivium.preprocessing.sequence.{home}")
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]
