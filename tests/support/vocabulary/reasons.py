"""Why a public name of Keras is not here: by name or by module."""

# What another part of the work brings.
LATER = {
    "applications": "Comes with the applications.",
    "distribution": "Comes with training on several devices.",
}  # fmt: skip

# What stays away.
ABSENT: dict[str, str] = {
    f"quantizers.{name}": "These calibrate on texts, block by block of a language model: not here yet."
    for name in ("AWQConfig", "GPTQConfig")
} | {
    "SymbolicScope": "A symbolic tensor says itself that code is recorded: there is no stage to enter.",
    "optimizers.legacy": "In Keras, too, each of them raises an error that says to use the others.",
}

# Names that no test writes, and the file that covers them all the same: by a loop over names.
COVERED = {
    "remat": "ops/test_effects.py",
    "activations.exponential": "activations/test_activations.py",
    **{
        f"layers.{kind}{rank}D": "layers/test_edges.py"
        for kind in (
            "AdaptiveAveragePooling",
            "AdaptiveMaxPooling",
            "GlobalAveragePooling",
            "GlobalMaxPooling",
            "MaxPooling",
        )
        for rank in (1, 2, 3)
    },
}

# What of TensorFlow runs and is not the same in all, by name or by module.
_DRAWS = "the same distributions; the numbers drawn for a seed are JAX's"
_ONE = "one replica, on JAX's first device; more of them are refused"
_KIND = "what is raised is also one of Python's errors; the messages are ours"
_JAX = "JAX's profiler, whose files TensorBoard shows"
DIFFERENT = {
    "tensorflow.random": _DRAWS,
    "tensorflow.nn.dropout": _DRAWS,
    "tensorflow.random.set_seed": "seeds NumPy and Python, too; the whole program follows from it",
    "tensorflow.random.Algorithm": "all of them are Threefry",
    "tensorflow.distribute": _ONE,
    "tensorflow.errors": _KIND,
    "tensorflow.profiler": _JAX,
    "tensorflow.DType": "dtypes are strings, with TensorFlow's properties",
    "tensorflow.Tensor": "tensors are JAX arrays with `.numpy()`",
    "tensorflow.TensorShape": "shapes are tuples with its methods, and every rank is known",
    "tensorflow.shape": "a tuple that is known while programs are compiled",
    "tensorflow.rank": "a whole number that is known while programs are compiled",
    "tensorflow.size": "a whole number that is known while programs are compiled",
    "tensorflow.device": "the device has to be of the kind that JAX computes on",
    "tensorflow.math.approx_max_k": "exact on a CPU",
    "tensorflow.unique": "on arrays, not inside a model: the size of what comes out depends on the values",
    "tensorflow.unique_with_counts": "on arrays, not inside a model: the size of what comes out depends on the values",
    "tensorflow.dynamic_partition": "the partition is known beforehand: it is not computed inside a model",
    "tensorflow.dynamic_stitch": "on arrays, not inside a model",
    "tensorflow.boolean_mask": "on arrays, not inside a model: the size of what comes out depends on the values",
    "tensorflow.matrix_square_root": "NaN where the root of a real matrix is not real",
    "tensorflow.version": "of Trivium's own; `VERSION` begins with the version of TensorFlow that it follows",
    "tensorflow.int64": "whole numbers are 32 bits wide, unless JAX's 64-bit mode is on",
    "tensorflow.uint64": "whole numbers are 32 bits wide, unless JAX's 64-bit mode is on",
    "tensorflow.float64": "floats are 32 bits wide, unless JAX's 64-bit mode is on",
    "tensorflow.double": "floats are 32 bits wide, unless JAX's 64-bit mode is on",
    "tensorflow.complex128": "its floats are 32 bits wide, unless JAX's 64-bit mode is on",
}

# How a signature may differ: of which names, in what, and why.
DIFFERENCES = [
    (
        r"layers\..*",
        r"(strides|dilation_rate|pool_size|size|padding|cropping)=\d, not \(.*\)",
        "One number stands for all axes; the config writes it out as Keras does.",
    ),
    (
        r"layers\.(Average|Avg|Max|RandomCrop|Spatial).*",
        r"(name|dtype) by keyword",
        "Layers take these by keyword.",
    ),
    (
        r"layers\.(Average|Avg)Pool.*",
        r"pool_size=2, not .*",
        "As of the maximum: Keras has no default here.",
    ),
    (
        r"optimizers\..*",
        r".* by keyword",
        "What all optimizers take, and Muon's many numbers, are taken by keyword: in a row of twenty one slips.",
    ),
    (
        r"export\.ExportArchive",
        r"format=.*",
        "Programs are written in StableHLO, JAX's own form; TensorFlow's is made by TensorFlow.",
    ),
    (
        r"losses\.deserialize",
        r"(lacks name|wants config)",
        "It takes a config, as everywhere; Keras says `name`.",
    ),
    (
        r"quantizers\.serialize",
        r"(lacks initializer|wants quantizer)",
        "It takes a quantizer; Keras calls it `initializer`.",
    ),
    (
        r"ops\.(nn\.)?multi_hot",
        r"num_classes=.*",
        "There is no default: Keras's is refused when called.",
    ),
    (
        r"KerasTensor",
        r".*",
        "There are no sparse or ragged symbolic tensors, and each one records its history.",
    ),
    (
        r"StatelessScope",
        r"lacks initialize_variables",
        "A variable draws its first value when it is first read.",
    ),
    (
        r"Variable",
        r".*(synchronization|layout|name at 6).*",
        "Comes with training on several devices.",
    ),
    (
        r"(saving|utils)\.(deserialize_keras_object|(load|save)_weights)",
        r".*",
        "Comes with the saving of models.",
    ),
]
