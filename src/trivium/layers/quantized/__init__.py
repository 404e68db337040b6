"""The forms of a quantized kernel: which variables it is kept in, and how a layer computes with them.

A layer that is linear in its kernel (`layers/kernels.py`) asks its form for everything; a form asks the layer what it
makes of inputs with a kernel, and along which axes numbers share a scale.
"""

from __future__ import annotations

from trivium.layers.quantized.eight_bit_floats import EightBitFloats
from trivium.layers.quantized.form import Form
from trivium.layers.quantized.packed_numbers import PackedNumbers
from trivium.layers.quantized.whole_numbers import WholeNumbers

__all__ = ["FORMS", "Form"]

FORMS: dict[str, Form] = {
    "int8": WholeNumbers(),
    "int4": PackedNumbers(),
    "float8": EightBitFloats(),
}
"""The forms by the modes that `quantize` takes."""
