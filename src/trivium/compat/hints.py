"""What is not covered on purpose, or known to be asked for: the nearest way to do it."""

from __future__ import annotations

from trivium.compat.instead import INSTEAD
from trivium.compat.names import names_in

__all__ = ["REFUSED_PACKAGES", "hint_for"]

_GRADIENTS = "Take gradients with `tf.GradientTape`."
_COMPILED = "A function of arrays is compiled by `tf.function`."
_DISTRIBUTION = (
    "One process trains on one device here: build and compile the model without a strategy scope."
)
_FILES = "Read files with Python and NumPy (`pathlib`, `np.load`, `PIL.Image.open`) and pass the arrays to `fit`."
_TEXT = "`tf.strings`, and the layers `StringLookup`, `TextVectorization`, `Hashing` prepare text."
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

# By path; the longest that begins a name counts.
_HINTS = {
    "keras.backend.gradients": _GRADIENTS,
    "tensorflow.xla": _COMPILED,
    "keras.backend.function": "Use `keras.Model(inputs, outputs)`, which is such a function.",
    "tensorflow.config": "JAX has its own settings: https://docs.jax.dev, and the environment variable JAX_PLATFORMS.",
    "tensorflow.distribute": _DISTRIBUTION,
    "tensorflow.dtensor": _DISTRIBUTION,
    "tensorflow.tpu": _DISTRIBUTION,
    "keras.distribution": _DISTRIBUTION,
    "keras.tuning.applications": "Write the network in `build(hp)`, and search over its sizes with `hp.Int`.",
    "tensorflow.data": _PIPELINE,
    "tensorflow.io": _FILES,
    "tensorflow.image": _IMAGES,
    "tensorflow.saved_model": _SAVED,
    "tensorflow.train": "Optimizers are in `keras.optimizers`, schedules in `keras.optimizers.schedules`.",
    "tensorflow.lite": "Trivium computes in JAX; there is no conversion to TensorFlow Lite.",
    "tensorflow.summary": "For graphs: `keras.callbacks.TensorBoard(write_graph=True)`; sounds are not written.",
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
    "tensorflow.Tensor": _ARRAY,
    "tensorflow.Tensor.assign": "Assign to the variable as a whole: `v.assign(v.value.at[i].set(x))`.",
    "tensorflow.Tensor.numpy": _NO_VALUES,
    "tensorflow.TensorShape": _SHAPE,
    "tensorflow.DType": "Dtypes are strings here; `np.dtype(x)` gives NumPy's.",
    "tensorflow.autograph": "Nothing is rewritten here: JAX traces the function. Its program: "
    "`jax.make_jaxpr(f)(*arrays)`.",
    "tensorflow.queue": "Use Python's `queue.Queue`, or a generator of batches; `tf.data.Dataset` reads ahead by "
    "`prefetch`.",
    "tensorflow.control_dependencies": "Things are done in the order of the lines: leave it out.",
    "tensorflow.linalg.logm": "Compute it outside of the model, with `scipy.linalg.logm`.",
    "tensorflow.quantization": 'Use `model.quantize("int8")`, on a `keras.Model`.',
    "tensorflow.graph_util": _GRAPH,
    "tensorflow.import_graph_def": _GRAPH,
    "tensorflow.mlir": "The program of a function: `jax.jit(f).lower(*arrays).as_text()`.",
    "tensorflow.raw_ops": "This is TensorFlow's inside; use the public function, in `tf` or `keras.ops`.",
    "tensorflow.sysconfig": "There is no TensorFlow to link with.",
    "tensorflow.load_library": "There is no TensorFlow to load it into; kernels of one's own are JAX's `jax.ffi`.",
    "tensorflow.load_op_library": "There is no TensorFlow to load it into; kernels of one's own are JAX's `jax.ffi`.",
    "tensorflow.types": "Annotate with `tf.Tensor`, or with `object`.",
    "tensorflow.test": "Use `tf.test.TestCase`, or plain `unittest` and `numpy.testing`.",
    "tensorflow.compat.v1.disable_eager_execution": "Leave it out: there are no graphs to build by hand, and what is "
    "trained is compiled.",
    "tensorflow.compat.v1.disable_v2_behavior": "Leave it out, and write the program for TensorFlow 2.",
    "tensorflow.compat.v1.train": "Optimizers are in `keras.optimizers`.",
    "keras.utils.multi_gpu_model": _DISTRIBUTION,
    "keras.estimator": "Give the model to `fit` as it is.",
    "keras.layers.DenseFeatures": "Use `keras.utils.FeatureSpace`, or a layer for each feature "
    "(`keras.layers.StringLookup`, `Normalization`).",
    "keras.layers.LocallyConnected1D": "Keras 3 has it no more: `keras.ops.extract_sequences` and `keras.ops.einsum`.",
    "keras.layers.LocallyConnected2D": "Keras 3 has it no more: `keras.ops.image.extract_patches` and "
    "`keras.ops.einsum`.",
    "keras.layers.CuDNNGRU": "`keras.layers.GRU` takes the fast form by itself.",
    "keras.layers.CuDNNLSTM": "`keras.layers.LSTM` takes the fast form by itself.",
    "keras.layers.ThresholdedReLU": "Use `keras.layers.ReLU(threshold=1.0)`.",
    "keras.layers.RandomFourierFeatures": "Keras 3 has it no more: a `keras.layers.Dense` that is not trained, and "
    "`keras.ops.cos`.",
    "keras.datasets": "`keras.datasets.fashion_mnist` comes with Trivium; lay other files beside the program, and "
    "`np.load` them.",
    "keras.src": "This is Keras's inside; use the public name, in `keras`.",
    "keras.engine": "This was Keras's inside; use the public name: `keras.layers.Layer`, `keras.Model`.",
    "keras.wrappers": "Use `keras.wrappers.SKLearnClassifier` or `keras.wrappers.SKLearnRegressor`.",
    "keras.applications": "There are no pretrained networks here: build one of layers, and `load_weights`.",
}

_HINTS |= INSTEAD

# TensorFlow's operators that are matrices without being written out.
_HINTS |= {
    f"tensorflow.linalg.{name}": "Write the matrix out: `tf.linalg.diag`, `tf.eye`, `tf.linalg.matmul`."
    for name in names_in("tensorflow.linalg")
    if name.startswith("LinearOperator")
}
# Losses over classes that are drawn.
_HINTS |= {
    f"tensorflow.{name}": "Take the whole loss: `tf.nn.softmax_cross_entropy_with_logits`."
    for module in ("nn", "random")
    for name in (f"{module}.{n}" for n in names_in(f"tensorflow.{module}"))
    if name.endswith(("candidate_sampler", "nce_loss", "sampled_softmax_loss"))
}

_TENSORFLOW_ITSELF = (
    "It is built on TensorFlow itself: run its part of the program without `trivium run`."
)
_KERAS_ITSELF = "It is built on Keras itself."

# Packages on top of Keras or TensorFlow, which would meet our face in place of what they are built on.
REFUSED_PACKAGES = {
    "tensorflow_datasets": "`keras.datasets` has some; other files are read by `tf.data.Dataset`, `np.load` or "
    "pandas.",
    "tensorflow_hub": "There are no pretrained networks here: build one of layers, and `load_weights`. "
    + _SAVED,
    "tensorflow_addons": "Take what it has from `keras` 3, or write it with `keras.ops`.",
    "tensorflow_probability": "Use its JAX half: `from tensorflow_probability.substrates import jax as tfp`, without "
    "`trivium run`.",
    "tensorflow_text": _TEXT,
    "tensorflow_model_optimization": 'For whole numbers in place of floats: `model.quantize("int8")`.',
    "tensorflow_federated": _TENSORFLOW_ITSELF,
    "tensorflow_io": _TENSORFLOW_ITSELF,
    "tensorflow_recommenders": _TENSORFLOW_ITSELF,
    "tensorflow_transform": _TENSORFLOW_ITSELF,
    "tensorflow_decision_forests": _TENSORFLOW_ITSELF,
    "tensorflow_gnn": _TENSORFLOW_ITSELF,
    "tf_agents": _TENSORFLOW_ITSELF,
    "tflearn": _GRAPH,
    "tf_slim": _GRAPH,
    "transformers": "Its TensorFlow models need TensorFlow itself; tokenizers alone are in the package `tokenizers`.",
    "keras_cv": _KERAS_ITSELF,
    "keras_hub": _KERAS_ITSELF,
    "keras_nlp": _KERAS_ITSELF,
    "keras_rs": _KERAS_ITSELF,
    "keras_core": "It became Keras 3: `import keras`.",
    "keras_preprocessing": "Keras has it: `keras.preprocessing`.",
    "keras_applications": "There are no pretrained networks here: build one of layers, and `load_weights`.",
    "keras_contrib": "Take what it has from `keras` 3, or write it with `keras.ops`.",
    "keras_self_attention": "Use `keras.layers.MultiHeadAttention`.",
    "scikeras": "Use `keras.wrappers.SKLearnClassifier` or `keras.wrappers.SKLearnRegressor`.",
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
