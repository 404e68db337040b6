"""The messages that records usually hold: `Example`, named lists of bytes, floats or whole numbers, and its kin.

They are protocol buffers whose bytes are those of TensorFlow's messages of these names. Their descriptors are written
here, in a pool of their own, so that they meet no others in a process that has TensorFlow as well.

Reference:
    TensorFlow, `tensorflow/core/example/example.proto` and `feature.proto`; `tensorflow/core/framework/tensor.proto`.
"""

from __future__ import annotations

import functools
from typing import Any

__all__ = ["MESSAGES", "message", "message_names"]

# Of each message the fields: its name, its number, its type (`*` for several, `{}` for a map from names, `|` for one of
# a group of which one is set), of the file's own messages or of protocol buffers' kinds.
MESSAGES = """
BytesList: value=1 *bytes
FloatList: value=1 *float
Int64List: value=1 *int64
Feature: bytes_list=1 |BytesList, float_list=2 |FloatList, int64_list=3 |Int64List
Features: feature=1 {}Feature
FeatureList: feature=1 *Feature
FeatureLists: feature_list=1 {}FeatureList
Example: features=1 Features
SequenceExample: context=1 Features, feature_lists=2 FeatureLists
Dim: size=1 int64, name=2 string
TensorShapeProto: dim=2 *Dim, unknown_rank=3 bool
TensorProto: dtype=1 int32, tensor_shape=2 TensorShapeProto, version_number=3 int32, tensor_content=4 bytes, \
float_val=5 *float, double_val=6 *double, int_val=7 *int32, string_val=8 *bytes, scomplex_val=9 *float, \
int64_val=10 *int64, bool_val=11 *bool, dcomplex_val=12 *double, half_val=13 *int32, uint32_val=16 *uint32, \
uint64_val=17 *uint64
"""
_PACKAGE = "tensorflow"


def message_names() -> list[str]:
    """Return the names of the messages.

    Example:
        >>> "Example" in message_names()
        True
    """
    return [line.partition(":")[0] for line in MESSAGES.strip().splitlines()]


def message(name: str) -> Any:
    """Return the class of a message.

    Args:
        name: Its name.

    Raises:
        ImportError: `protobuf` is not installed.

    Example:
        >>> feature = message("Feature")(int64_list=message("Int64List")(value=[1, 2]))
        >>> message("Feature").FromString(feature.SerializeToString()).int64_list.value
        [1, 2]
    """
    return _classes()[name]


@functools.cache
def _classes() -> dict[str, Any]:
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ImportError:
        raise ImportError(
            "Examples in records are messages of protobuf, which is not installed: pip install trivium[records]."
        ) from None
    file = descriptor_pb2.FileDescriptorProto(
        name="trivium/records.proto", package=_PACKAGE, syntax="proto3"
    )
    kinds = descriptor_pb2.FieldDescriptorProto
    names = message_names()

    def describe(field: Any, name: str, number: int, kind: str, several: bool = False) -> None:
        field.name, field.number = name, number
        field.label = kinds.LABEL_REPEATED if several else kinds.LABEL_OPTIONAL
        if kind in names or "." in kind:
            field.type, field.type_name = kinds.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
        else:
            field.type = getattr(kinds, f"TYPE_{kind.upper()}")

    for line in MESSAGES.strip().splitlines():
        name, _, fields = line.partition(": ")
        made = file.message_type.add(name=name)
        for text in fields.split(", "):
            label, _, rest = text.partition("=")
            number, _, kind = rest.partition(" ")
            field = made.field.add()
            if kind.startswith("{}"):  # A map is a list of entries, of a message of their own.
                entry = "".join(part.capitalize() for part in label.split("_")) + "Entry"
                pair = made.nested_type.add(name=entry)
                pair.options.map_entry = True
                describe(pair.field.add(), "key", 1, "string")
                describe(pair.field.add(), "value", 2, kind[2:])
                describe(field, label, int(number), f"{name}.{entry}", several=True)
            else:
                describe(field, label, int(number), kind.lstrip("*|"), kind.startswith("*"))
                if kind.startswith("|"):
                    if not made.oneof_decl:
                        made.oneof_decl.add(name="kind")
                    field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return {
        n: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{n}"))
        for n in names
    }
