"""Layers that prepare data, and those that others are made of, in files from and to the real Keras: in inference."""

import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from archives import archive_of, digest, parts, saved
from oracle import recorded

import trivium as tv

pytestmark = [
    # Keras's own `Variable.numpy` warns under NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    # Its layers ask for 64 bits, which JAX has not unless it is told to.
    pytest.mark.filterwarnings("ignore:(.|\n)*Explicitly requested dtype:UserWarning"),
]

IMAGE, SEQUENCE, VOLUME, SOUND = (2, 6, 6, 3), (2, 5, 4), (2, 4, 5, 3, 4), (2, 301)
FACTORS = (
    "RandomBrightness RandomColorDegeneration RandomContrast RandomHue RandomRotation "
    "RandomSaturation RandomSharpness"
)
PLAIN = (
    "AutoContrast Solarization AugMix CutMix MixUp RandAugment RandomElasticTransform RandomErasing RandomFlip "
    "RandomGaussianBlur RandomGrayscale RandomInvert RandomPerspective"
)
# A layer, the shape of its input, the whole number that its inputs are below (0 for floats), its arguments; a pair in
# place of an argument is a layer's class and its arguments.
GROUPS = {
    "images": [
        *((name, IMAGE, 0, {}) for name in PLAIN.split()),
        *((name, IMAGE, 0, {"factor": 0.1}) for name in FACTORS.split()),
        ("CenterCrop", IMAGE, 0, {"height": 4, "width": 5}),
        ("Resizing", IMAGE, 0, {"height": 5, "width": 4}),
        ("ContrastLimitedAdaptiveHistogramEqualization", IMAGE, 0, {"tile_grid_size": (2, 2)}),
        ("RandomColorJitter", IMAGE, 0, {"brightness_factor": 0.1}),
        ("RandomPosterization", IMAGE, 0, {"factor": 4}),
        ("RandomTranslation", IMAGE, 0, {"height_factor": 0.1, "width_factor": 0.1}),
        ("RandomZoom", IMAGE, 0, {"height_factor": 0.1}),
        ("MaxNumBoundingBoxes", IMAGE, 0, {"max_number": 2}),
    ],
    "numbers and sounds": [
        ("CategoryEncoding", (2, 5), 4, {"num_tokens": 4, "output_mode": "count"}),
        ("Discretization", SEQUENCE, 0, {"bin_boundaries": [-1.0, 0.0, 0.5]}),
        ("MelSpectrogram", SOUND, 0, {"fft_length": 32, "sequence_stride": 20, "num_mel_bins": 6}),
        ("STFTSpectrogram", (2, 33, 2), 0, {"frame_length": 8, "fft_length": 16}),
    ],
    "cells": [
        ("RNN", SEQUENCE, 0, {"cell": (name, {"units": 3})})
        for name in ("SimpleRNNCell", "GRUCell", "LSTMCell")
    ],
    "adaptive pooling": [
        ("AdaptiveMaxPooling1D", SEQUENCE, 0, {"output_size": 2}),
        ("AdaptiveAveragePooling1D", SEQUENCE, 0, {"output_size": 2}),
        ("AdaptiveMaxPooling3D", VOLUME, 0, {"output_size": 2}),
        ("AdaptiveAveragePooling3D", VOLUME, 0, {"output_size": 2}),
    ],
}


def model(lib, rows):
    """Return a model of one layer a row, each on an input of its own, with weights that follow from a seed."""
    lib.backend.clear_session()
    inputs, outputs = [], []
    for i, (layer, shape, ids, given) in enumerate(rows):
        dtype = "int32" if ids else "float32"
        inputs.append(lib.Input(shape[1:], dtype=dtype, name=f"in_{i}"))
        inside = {
            k: getattr(lib.layers, v[0])(**v[1], name="inner")
            for k, v in given.items()
            if isinstance(v, tuple) and isinstance(v[0], str)
        }
        made = getattr(lib.layers, layer)(**{**given, **inside, "name": f"layer_{i}"})
        outputs.append(made(inputs[-1]))
    whole = lib.Model(inputs, outputs, name="net")
    rng = np.random.default_rng(0)
    drawn = [(w, rng.uniform(0.5, 1.5, w.shape)) for w in whole.weights]
    whole.set_weights([v if "float" in str(w.dtype) else np.asarray(w) for w, v in drawn])
    return whole


def outputs(whole, rows):
    rng = np.random.default_rng(1)
    inputs = [
        rng.integers(0, ids, shape).astype("int32")
        if ids
        else rng.uniform(-1, 1, shape).astype("float32")
        for _, shape, ids, _ in rows
    ]
    return [np.asarray(y) for y in whole(inputs, training=False)]


def by_keras(keras, rows):
    """Return a file that Keras writes, what its model gives, and what it gives of our file."""
    theirs, ours = model(keras, rows), saved(model(tv, rows))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "m.keras").write_bytes(ours)
        loaded = keras.saving.load_model(f"{folder}/m.keras")
    return {
        **parts(saved(theirs)),
        "outputs": outputs(theirs, rows),
        "digest": digest(ours),
        "of_ours": outputs(loaded, rows),
    }


@pytest.mark.parametrize("group", GROUPS)
def test_layers_in_both_directions(group):
    rows = GROUPS[group]
    theirs = recorded(lambda keras: by_keras(keras, rows))
    ours = model(tv, rows)
    file, mine = saved(ours), outputs(ours, rows)
    assert digest(file) == theirs["digest"], "Keras was asked about another file: record anew."
    read = archive_of(theirs["config"], theirs["weights"], theirs["names"])
    of_theirs = outputs(tv.models.load_model(read), rows)
    again = outputs(tv.models.load_model(io.BytesIO(file)), rows)
    assert all(map(np.array_equal, mine, again))
    for a, b, c, d in zip(of_theirs, theirs["outputs"], mine, theirs["of_ours"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(c, d, rtol=1e-4, atol=1e-5)
