"""`STFTSpectrogram` and `MelSpectrogram`: every mode against Keras, batches and single sounds, bad settings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from oracle import both, recorded

import trivium as tv
from trivium import layers as L

SOUND = np.random.default_rng(0).normal(size=(2, 40, 2)).astype("float32")
MODES = ["log", "magnitude", "psd", "real", "imag", "angle", "stft"]
FORMS = [
    {},
    {"expand_dims": True, "padding": "same", "window": "hamming", "periodic": True},
    {"data_format": "channels_first", "scaling": "spectrum", "frame_step": 3},
    {"data_format": "channels_first", "scaling": None, "expand_dims": True, "window": None},
]


def test_modes_and_forms_are_those_of_keras():
    def use(library):
        results = {}
        for mode, form in zip(MODES, itertools.cycle(FORMS), strict=False):
            layer = library.layers.STFTSpectrogram(mode, 8, fft_length=16, **form)
            x = SOUND.swapaxes(1, 2) if "data_format" in form else SOUND
            results[f"{mode} {form}"] = layer(x)
        return results

    ours, theirs = both(use)
    for name, wanted in theirs.items():
        if name.startswith("angle"):
            # Of the numbers 0 and -0 the angles are a whole turn apart.
            apart = np.angle(np.exp(1j * (ours[name] - wanted)))
            assert np.median(np.abs(apart)) < 1e-5
        else:
            np.testing.assert_allclose(ours[name], wanted, rtol=1e-4, atol=1e-5, err_msg=name)


def test_a_pure_tone_is_loudest_at_its_frequency():
    tone = np.sin(2 * np.pi * 4 * np.arange(64) / 32)[None, :, None]
    loud = L.STFTSpectrogram("magnitude", frame_length=32)(tone)
    assert (np.argmax(loud, -1) == 4).all()


def test_the_kernels_can_be_trained():
    model = tv.Sequential([tv.Input((40, 2)), L.STFTSpectrogram("log", 8), L.Flatten(), L.Dense(1)])
    model.compile("sgd", "mse")
    before = model.layers[0].get_weights()
    model.fit(SOUND, np.ones((2, 1)), verbose=0)
    assert all((a != b).any() for a, b in zip(before, model.layers[0].get_weights(), strict=True))


@pytest.mark.parametrize(
    "kwargs",
    [
        {"power_to_db": False},
        {"power_to_db": False, "mag_exp": 1.0, "window": None},
        {"top_db": 12.0, "ref_power": 3.0, "min_power": 0.01},
        {"sequence_length": 20, "window": "hamming", "min_freq": 100.0, "max_freq": 3000.0},
    ],
    ids=str,
)
def test_mel_spectrograms_are_those_of_keras(kwargs):
    x = np.random.default_rng(1).normal(size=150).astype("float32")

    def use(library):
        layer = library.layers.MelSpectrogram(
            fft_length=32, sequence_stride=16, sampling_rate=8000, num_mel_bins=5, **kwargs
        )
        return layer(x), layer.linear_to_mel_weight_matrix(4, 9)

    ours, theirs = both(use)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_a_sound_is_the_same_in_every_batch():
    """Keras measures `top_db` from the loudest place of the whole batch."""
    x = np.random.default_rng(1).normal(size=(2, 150)).astype("float32") * [[1.0], [1000.0]]
    layer = L.MelSpectrogram(fft_length=32, sequence_stride=16, num_mel_bins=5, top_db=20.0)
    alone = np.stack([layer(s) for s in x])
    np.testing.assert_allclose(layer(x), alone, rtol=1e-5)
    rows = tv.data.Dataset.from_tensor_slices(x.astype("float32")).map(layer).batch(2)
    np.testing.assert_allclose(next(iter(rows)), alone, rtol=1e-4)
    assert layer(tv.Input((150,))).shape[1:] == alone.shape[1:]
    quiet = recorded(
        lambda keras: keras.layers.MelSpectrogram(
            fft_length=32, sequence_stride=16, num_mel_bins=5, top_db=20.0
        )(x)[0]
    )
    assert np.ptp(quiet) == 0 < np.ptp(alone[0])


@pytest.mark.parametrize(
    ("kind", "kwargs", "words"),
    [
        ("STFTSpectrogram", {"mode": "logs"}, "Did you mean 'log'"),
        ("STFTSpectrogram", {"frame_step": 300}, "at most `frame_length`"),
        ("STFTSpectrogram", {"fft_length": 128}, "at least `frame_length`"),
        ("STFTSpectrogram", {"window": "hans"}, "`window` is a name"),
        ("STFTSpectrogram", {"scaling": "densities"}, "scaling"),
        ("STFTSpectrogram", {"frame_length": 2}, "whose sum is 0"),
        ("STFTSpectrogram", {"padding": "causal"}, "padding"),
        ("MelSpectrogram", {"sequence_length": 4096}, "at most `fft_length`"),
        ("MelSpectrogram", {"min_freq": 9000.0}, "below `max_freq`"),
        ("MelSpectrogram", {"num_mel_bins": 0}, "above zero"),
    ],
)
def test_settings_that_are_none(kind, kwargs, words):
    with pytest.raises(ValueError, match=words):
        getattr(L, kind)(**kwargs)


def test_a_length_that_is_no_power_of_two():
    with pytest.warns(UserWarning, match="power of two"):
        L.STFTSpectrogram(frame_length=8, fft_length=12)
