"""What is not covered on purpose, or known to be asked for: the nearest way to do it."""

from __future__ import annotations

__all__ = ["REFUSED_PACKAGES", "hint_for"]

_GRADIENTS = "Take gradients with `tf.GradientTape`."
_COMPILED = (
    "`fit`, `evaluate` and `predict` are compiled as they are: leave the decorator out. A function of arrays of your "
    "own is compiled by `jax.jit`."
)
_DISTRIBUTION = (
    "One process trains on one device here: build and compile the model without a strategy scope."
)
_FILES = "Read files with Python and NumPy (`pathlib`, `np.load`, `PIL.Image.open`) and pass the arrays to `fit`."
_TEXT = "Strings stay Python's: turn them into numbers before they meet the model."
_DENSE = "Arrays here are dense: pad to one length, and mask (`keras.layers.Masking`, `Embedding(mask_zero=True)`)."
_SAVED = (
    'Save the model with `model.save("model.keras")`, and read it with `keras.models.load_model`.'
)
_GRAPH = (
    "This is TensorFlow 1's way; write the program for `keras` 3 or `tf.keras` in TensorFlow 2."
)
_SHAPE = "Shapes are tuples here: `list(x.shape)`, `len(x.shape)`, `math.prod(x.shape)`."
_ARRAY = "Tensors are JAX arrays here; `np.asarray(x)` gives NumPy's."
_PIPELINE = (
    "Of `tf.data`, `Dataset` is here with nearly all its methods; for the rest write a generator of batches or a "
    "`keras.utils.PyDataset`."
)
_NO_VALUES = (
    "Arrays have values outside of compiled code only: compute with `keras.ops` here, or give `compile` the argument "
    "`run_eagerly=True`."
)
_IMAGES = "Use the layers for it (`keras.layers`), `keras.ops.image`, NumPy, or PIL."
_SIGNALS = "Nearly all of `tf.signal` is here; for the rest use `keras.ops` (`stft`, `rfft`) or `scipy.signal`."

# By path; the longest that begins a name counts.
_HINTS = {
    "tensorflow.gradients": _GRADIENTS,
    "tensorflow.hessians": _GRADIENTS,
    "tensorflow.autodiff": _GRADIENTS,
    "keras.backend.gradients": _GRADIENTS,
    "tensorflow.function": _COMPILED,
    "tensorflow.autograph": _COMPILED,
    "tensorflow.xla": _COMPILED,
    "keras.backend.function": "Use `keras.Model(inputs, outputs)`, which is such a function.",
    "keras.backend.learning_phase": "Pass `training=` to the model's call.",
    "keras.backend.rnn": "Use the layers of `keras.layers`, or `keras.ops.scan`.",
    "tensorflow.config.run_functions_eagerly": "Give `compile` the argument `run_eagerly=True`.",
    "tensorflow.config.experimental_run_functions_eagerly": "Give `compile` the argument `run_eagerly=True`.",
    "tensorflow.config": "JAX has its own settings: https://docs.jax.dev, and the environment variable JAX_PLATFORMS.",
    "tensorflow.distribute": _DISTRIBUTION,
    "tensorflow.tpu": _DISTRIBUTION,
    "keras.distribution": _DISTRIBUTION,
    "keras.tuning.applications": "Write the network in `build(hp)`, and search over its sizes with `hp.Int`.",
    "tensorflow.data": _PIPELINE,
    "tensorflow.io": _FILES,
    "tensorflow.image": _IMAGES,
    "tensorflow.signal": _SIGNALS,
    "tensorflow.strings": _TEXT,
    "tensorflow.string": _TEXT,
    "tensorflow.lookup": _TEXT,
    "tensorflow.RaggedTensor": _DENSE,
    "tensorflow.ragged": _DENSE,
    "tensorflow.SparseTensor": _DENSE,
    "tensorflow.sparse": _DENSE,
    "tensorflow.TensorArray": "Use a Python list and `tf.stack`, or `keras.ops.scan`.",
    "tensorflow.saved_model": _SAVED,
    "tensorflow.train.Checkpoint": _SAVED,
    "tensorflow.train": "Optimizers are in `keras.optimizers`, schedules in `keras.optimizers.schedules`.",
    "tensorflow.lite": "Trivium computes in JAX; there is no conversion to TensorFlow Lite.",
    "tensorflow.summary": "Use callbacks: `keras.callbacks.CSVLogger`, or one of your own with `on_epoch_end`.",
    "tensorflow.profiler": "Use JAX's profiler: `with jax.profiler.trace(folder):`.",
    "tensorflow.debugging": "Check arrays with Python's `assert`; inside compiled code use `jax.debug.print`.",
    "tensorflow.Assert": "Check arrays with Python's `assert`; inside compiled code use `jax.debug.print`.",
    "tensorflow.numpy_function": "Compute with `keras.ops`, or outside of the model.",
    "tensorflow.py_function": "Compute with `keras.ops`, or outside of the model.",
    "tensorflow.Module": "Derive from `keras.layers.Layer` or `keras.Model`.",
    "tensorflow.nn.RNNCellDeviceWrapper": _DISTRIBUTION,
    "tensorflow.feature_column": _TEXT,
    "tensorflow.estimator": _GRAPH,
    "tensorflow.Graph": _GRAPH,
    "tensorflow.Session": _GRAPH,
    "tensorflow.placeholder": _GRAPH,
    "tensorflow.global_variables_initializer": _GRAPH,
    "tensorflow.contrib": _GRAPH,
    "tensorflow.compat.v1": _GRAPH,
    "tensorflow.python": "This is TensorFlow's inside; use the public name, in `tf` or `tf.keras`.",
    "tensorflow.experimental.numpy": "Use `keras.ops`, whose functions have NumPy's names.",
    "tensorflow.Tensor": _ARRAY,
    "tensorflow.Tensor.assign": "Assign to the variable as a whole: `v.assign(v.value.at[i].set(x))`.",
    "tensorflow.Tensor.get_shape": _SHAPE,
    "tensorflow.Tensor.numpy": _NO_VALUES,
    "tensorflow.Tensor.set_shape": "Shapes are known without it: leave the line out.",
    "tensorflow.TensorShape": _SHAPE,
    "tensorflow.DType": "Dtypes are strings here; `np.dtype(x)` gives NumPy's.",
    "keras.src": "This is Keras's inside; use the public name, in `keras`.",
    "keras.engine": "This was Keras's inside; use the public name: `keras.layers.Layer`, `keras.Model`.",
    "keras.utils.np_utils": "Keras 3 has its functions in `keras.utils`: `keras.utils.to_categorical`.",
    "keras.layers.experimental": "Keras 3 has these layers in `keras.layers`.",
    "keras.optimizers.legacy": "Use the optimizer of the same name in `keras.optimizers`.",
    "keras.wrappers": "Wrap the model in a class of your own with `fit` and `predict`.",
    "keras.applications": "There are no pretrained networks here: build one of layers, and `load_weights`.",
    "keras.Metric.reset_states": "Keras 3 calls it `reset_state`.",
    "keras.Optimizer.lr": "Keras 3 calls it `learning_rate`.",
    "keras.Model.reset_states": "Keras 3 has it no more; layers with a state have `reset_state`.",
    "keras.Model.fit_generator": "`fit` takes generators.",
    "keras.Model.evaluate_generator": "`evaluate` takes generators.",
    "keras.Model.predict_generator": "`predict` takes generators.",
    "keras.Model.predict_classes": "Keras 3 has it no more: `model.predict(x).argmax(axis=-1)`.",
}

# Packages on top of Keras or TensorFlow, which would meet our face in place of what they are built on.
REFUSED_PACKAGES = {
    "tensorflow_datasets": _FILES,
    "tensorflow_hub": _SAVED,
    "tensorflow_addons": "Take what it has from `keras` 3, or write it with `keras.ops`.",
    "tensorflow_probability": "Use its JAX half: `from tensorflow_probability.substrates import jax as tfp`, without "
    "`trivium run`.",
    "tensorflow_text": _TEXT,
    "keras_cv": "It is built on Keras itself.",
    "keras_hub": "It is built on Keras itself.",
    "keras_nlp": "It is built on Keras itself.",
    "keras_core": "It became Keras 3: `import keras`.",
}


def hint_for(path: str, exact: bool = False) -> str:
    """Return the nearest way to do what a name does; empty where there is no more to say than that it is missing.

    Args:
        path: A dotted path from `keras` or `tensorflow` on.
        exact: Whether a hint for the module that the name lies in does not count.

    Example:
        >>> hint_for("tensorflow.distribute.MirroredStrategy")
        'One process trains on one device here: build and compile the model without a strategy scope.'
    """
    parts = path.split(".")
    for end in range(len(parts), len(parts) - 1 if exact else 1, -1):
        if hint := _HINTS.get(".".join(parts[:end])):
            return hint
    return REFUSED_PACKAGES.get(parts[0], "")
