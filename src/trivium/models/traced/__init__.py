"""Reading the graph of a model whose `call` uses `jax.numpy` directly: from the program that JAX traces.

Each call of a layer or op stays a node by its name; what stands between them becomes nodes of JAX's own operations, one
for each line of the user's code.
"""

from __future__ import annotations

from trivium.models.traced.capturing import capture_traced
from trivium.models.traced.jax_code import JaxCode

__all__ = ["JaxCode", "capture_traced"]
