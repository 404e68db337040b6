"""Trivium: Keras's three ways of writing a model, as three roads to one graph, on JAX.

Example:
    >>> import trivium as tv
    >>> model = tv.Sequential([tv.Input((28, 28)), tv.layers.Flatten(), tv.layers.Dense(10, activation="softmax")])
    >>> model.output_shape
    (None, 10)
"""

from trivium import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    random,
    regularizers,
    saving,
    utils,
    viz,
)
from trivium.graph import CaptureError, DisconnectedGraphError, Graph, SymbolicTensor
from trivium.initializers import Initializer
from trivium.layers import Input, InputSpec, Layer
from trivium.losses import Loss
from trivium.metrics import Metric
from trivium.models import Functional, Model, Sequential
from trivium.optimizers import Optimizer
from trivium.regularizers import Regularizer
from trivium.state import DTypePolicy, StatelessScope, Variable

__version__ = "0.1.0"

# The name that Keras gives to symbolic tensors.
KerasTensor = SymbolicTensor

__all__ = [
    "CaptureError",
    "DTypePolicy",
    "DisconnectedGraphError",
    "Functional",
    "Graph",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "StatelessScope",
    "SymbolicTensor",
    "Variable",
    "__version__",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "random",
    "regularizers",
    "saving",
    "utils",
    "viz",
]
