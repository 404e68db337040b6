"""Graphs as configs, in Keras's own format: the layers, the calls of each, and where data comes in and goes out.

A call names the tensors it is given by a history: the layer that gives it, which of that layer's calls in the model,
and which of the call's outputs. Keras writes masks and `training` where nobody has said them, too: a mask is an edge,
and `training` has its default. What would come by itself is left to come by itself when a config is read; what was said
and happens to be the default stands under `said`, which Keras passes over.
"""

from trivium.models.configs.form import GRAPH_KEYS
from trivium.models.configs.reading import graph_from_config
from trivium.models.configs.writing import graph_config

__all__ = ["GRAPH_KEYS", "graph_config", "graph_from_config"]
