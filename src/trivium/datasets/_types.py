"""The shape that every `load_data` returns."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

__all__ = ["Dataset"]

Dataset: TypeAlias = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
