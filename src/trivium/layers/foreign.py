"""Layers of Keras's that run another framework's programs, and cannot be here: each says why, and what instead."""

from __future__ import annotations

from typing import Any, NoReturn

from trivium.layers.base import Layer

__all__ = ["TFSMLayer", "TorchModuleWrapper"]


class TorchModuleWrapper(Layer):
    """A module of PyTorch as a layer: not possible on JAX, and an error that says so.

    Args:
        module: The module.
        name: A name.
        output_shape: The shape of its output.
        kwargs: As for every layer.

    Raises:
        NotImplementedError: Always.
    """

    def __init__(
        self, module: Any, name: str | None = None, output_shape: Any = None, **kwargs: Any
    ) -> NoReturn:
        raise NotImplementedError(
            "TorchModuleWrapper: PyTorch runs its modules itself, and JAX can neither compile nor differentiate what "
            "it does not trace. Write the network with layers and give them the module's weights "
            "(`layer.set_weights`, a `Linear`'s matrix transposed), or translate the module into a function of JAX and "
            "put that into a `JaxLayer`."
        )


class TFSMLayer(Layer):
    """A SavedModel of TensorFlow as a layer: not possible on JAX, and an error that says so.

    Args:
        filepath: The SavedModel's folder.
        call_endpoint: Which of its functions to call.
        call_training_endpoint: Which one in training.
        trainable: Whether its variables are trained.
        name: A name.
        dtype: A dtype or policy.

    Raises:
        NotImplementedError: Always.
    """

    def __init__(
        self,
        filepath: Any,
        call_endpoint: str = "serve",
        call_training_endpoint: str | None = None,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
    ) -> NoReturn:
        raise NotImplementedError(
            f"TFSMLayer: {filepath!r} is a program of TensorFlow's operations, which only TensorFlow can run. Build "
            "the network here and load its weights: `model.save_weights(...)` in Keras, where the SavedModel was "
            "written, and `model.load_weights(...)` here."
        )
