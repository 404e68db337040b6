"""The kernel of the short-time Fourier transform."""

import numpy as np
import pytest
from oracle import both

from trivium.initializers import STFT


def test_stft_is_that_of_keras():
    cases = [
        {}, {"side": "imag"}, {"window": None, "scaling": None}, {"scaling": "spectrum"},
        {"window": "hamming", "periodic": True}, {"window": np.arange(8.0)},
    ]  # fmt: skip

    def call(lib):
        made = [lib.initializers.STFT(**case) for case in cases]
        configs = [i.get_config() for i in made[:-1]]
        values = [np.asarray(i((8, 1, bins))) for i in made for bins in (5, 9)]
        return configs, values, lib.initializers.serialize(lib.initializers.get("stft"))

    (configs, values, written), (theirs, wanted, as_keras) = both(call)
    assert configs == theirs and written == as_keras
    for a, b in zip(values, wanted, strict=True):
        assert a.dtype == b.dtype == "float32"
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_stft_gives_the_transform():
    samples = np.random.default_rng(0).normal(size=32).astype("float32")
    kernels = [STFT(side, scaling=None)((8, 1, 5)) for side in ("real", "imag")]
    got = [np.stack([samples[i : i + 8] @ k[:, 0] for i in range(25)]) for k in kernels]
    frames = np.lib.stride_tricks.sliding_window_view(samples, 8) * np.hanning(8)
    wanted = np.fft.rfft(frames)
    np.testing.assert_allclose(got[0] + 1j * got[1], wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: STFT("both"), "`side` is one of"),
        (lambda: STFT(scaling="power"), "`scaling` is one of"),
        (lambda: STFT()((8, 5)), r"\(samples, 1, frequencies\)"),
        (lambda: STFT()((8, 2, 5)), r"\(samples, 1, frequencies\)"),
        (lambda: STFT(window=[1.0, 2.0])((8, 1, 5)), "8 samples"),
    ],
)
def test_stft_refuses(make, words):
    with pytest.raises(ValueError, match=words):
        make()
