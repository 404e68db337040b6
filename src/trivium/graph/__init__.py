"""The graph: symbolic tensors, the calls recorded on them, and what can be read off the whole."""

from trivium.graph.errors import CaptureError, DisconnectedGraphError
from trivium.graph.fingerprint import digest, lowered_text, program_text
from trivium.graph.function import Function, Operation
from trivium.graph.graph import Graph, source_tensors
from trivium.graph.infer import stands_for_text
from trivium.graph.node import (
    Node,
    ReadVariable,
    is_recording,
    record,
    recording,
)
from trivium.graph.op import any_symbolic, op, tensor_arguments
from trivium.graph.operations import same_operation
from trivium.graph.splitting import Split
from trivium.graph.tensor import SymbolicTensor, is_symbolic, tensor_like

__all__ = [
    "CaptureError",
    "DisconnectedGraphError",
    "Function",
    "Graph",
    "Node",
    "Operation",
    "ReadVariable",
    "Split",
    "SymbolicTensor",
    "any_symbolic",
    "digest",
    "is_recording",
    "is_symbolic",
    "lowered_text",
    "op",
    "program_text",
    "record",
    "recording",
    "same_operation",
    "source_tensors",
    "stands_for_text",
    "tensor_arguments",
    "tensor_like",
]
