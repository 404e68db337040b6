"""Datasets of files: what is in them, how they are read, what becomes of files that cannot be."""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io.wavfile
from image_folders import image_of, write_images
from oracle import recorded

import trivium as tv
from trivium import ops
from trivium.data.checks import DataError
from trivium.preprocessing import (
    audio_dataset_from_directory,
    image_dataset_from_directory,
    loaders,
    text_dataset_from_directory,
)


def arrays(dataset):
    return list(dataset.as_numpy_iterator())


def numbered(folder, **kwargs):
    """Return a dataset of images of one pixel, whose red is the image's number."""
    kwargs = {"image_size": (1, 1), "interpolation": "nearest", "verbose": False} | kwargs
    return image_dataset_from_directory(folder, **kwargs)


def firsts(dataset):
    """Return the numbers of the images of a pass."""
    return [int(number) for x, _ in arrays(dataset) for number in x[:, 0, 0, 0]]


@pytest.fixture
def one_pixel(tmp_path):
    """Ten images in two classes, each of one color: its number."""
    from PIL import Image

    for i in range(10):
        path = tmp_path / "pixels" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((2, 2, 3), i, "uint8")).save(path)
    return tmp_path / "pixels"


@pytest.fixture
def reads(monkeypatch):
    """The paths of the images that were read, in order."""
    from trivium.preprocessing.image.files import decode

    seen = []

    def noting(path, color_mode):
        seen.append(path)
        return decode(path, color_mode)

    monkeypatch.setattr(sys.modules["trivium.preprocessing.loaders.image"], "decode", noting)
    return seen


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"color_mode": "grayscale", "interpolation": "nearest", "batch_size": 5},
        {"color_mode": "rgba", "crop_to_aspect_ratio": True, "label_mode": "categorical"},
        {"pad_to_aspect_ratio": True, "interpolation": "bicubic", "labels": None},
        {"data_format": "channels_first", "interpolation": "lanczos3"},
    ],
)
def test_images_are_the_real_keras_s(kwargs):
    kwargs = {"image_size": (4, 3), "shuffle": False, "verbose": False} | kwargs

    def batches(lib):
        with tempfile.TemporaryDirectory() as folder:
            write_images(Path(folder))
            dataset = lib.utils.image_dataset_from_directory(folder, format="grain", **kwargs)
            return [
                tuple(map(np.asarray, b)) if isinstance(b, tuple) else (np.asarray(b),)
                for b in dataset
            ]

    theirs = recorded(batches)
    ours = batches(tv)
    assert len(ours) == len(theirs)
    for mine, its in zip(ours, theirs, strict=True):
        assert len(mine) == len(its)
        np.testing.assert_allclose(mine[0], its[0], atol=5e-2)
        assert mine[0].dtype == np.float32
        if len(its) == 2:
            np.testing.assert_array_equal(mine[1], its[1], strict=True)


def test_the_numbers_are_those_of_the_op(images):
    dataset = image_dataset_from_directory(images, image_size=(5, 7), shuffle=False, verbose=False)
    (x, _), = arrays(dataset)  # fmt: skip
    # The paths in order of their names: "0.png", "1.bmp", "3.png" come before "deep/2.PNG".
    wanted = ops.image.resize(image_of(0).astype("float32"), (5, 7))
    np.testing.assert_allclose(x[0], wanted, atol=1e-3)


def test_images_one_by_one(images):
    dataset = numbered(images, batch_size=None, shuffle=False)
    assert len(dataset) == 16
    single = arrays(dataset)
    assert single[3][0].shape == (1, 1, 3)
    assert [int(y) for _, y in single] == [0] * 7 + [1] * 4 + [2] * 5
    assert [x.shape for x, _ in dataset.batch(10)] == [(10, 1, 1, 3), (6, 1, 1, 3)]
    assert [int(y) for _, y in arrays(dataset.skip(14))] == [2, 2]


def test_each_pass_has_an_order_of_its_own_that_follows_from_the_seed(one_pixel):
    dataset = numbered(one_pixel, seed=3, batch_size=4)
    passes = [firsts(dataset) for _ in range(3)]
    assert all(sorted(p) == list(range(10)) for p in passes)
    assert len({tuple(p) for p in passes}) == 3
    again = numbered(one_pixel, seed=3, batch_size=4)
    assert [firsts(again) for _ in range(3)] == passes
    fixed = numbered(one_pixel, shuffle=False, batch_size=4)
    assert firsts(fixed) == firsts(fixed) == [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]


def test_labels_go_with_their_images(one_pixel):
    for x, y in arrays(numbered(one_pixel, batch_size=3)):
        np.testing.assert_array_equal(x[:, 0, 0, 0] % 2, y)


def test_what_is_left_out_is_never_read(one_pixel, reads):
    dataset = numbered(one_pixel, batch_size=2, seed=1)
    assert len(reads) == 0
    whole = firsts(dataset)
    reads.clear()
    dataset = numbered(one_pixel, batch_size=2, seed=1)
    assert firsts(dataset.skip(3)) == whole[6:]
    assert len(reads) == 4
    reads.clear()
    arrays(dataset.take(1))
    assert len(reads) == 2
    reads.clear()
    # Who looks at the first batch does not have others read.
    next(iter(dataset))
    assert len(reads) == 2
    assert dataset.element_spec[0].shape == (2, 1, 1, 3)


def test_threads_end_with_the_reading(one_pixel):
    import threading

    dataset = numbered(one_pixel, batch_size=1)
    for i, _ in enumerate(dataset):
        if i == 3:
            break
    firsts(dataset)
    assert not [t for t in threading.enumerate() if t.name.startswith("trivium-data")]


def test_the_names_of_classes_stay_with_what_is_made_of_a_dataset(images):
    dataset = numbered(images)
    mapped = dataset.map(lambda x, y: (x / 255, y)).cache().prefetch(2)
    assert mapped.class_names == ["ant", "bee", "cat"]
    assert not hasattr(mapped, "file_paths")
    assert isinstance(dataset, tv.data.Dataset)


def test_a_model_is_trained_on_a_folder(one_pixel):
    train, validation = numbered(
        one_pixel, seed=1, batch_size=2, validation_split=0.4, subset="both", label_mode="binary"
    )

    def fitted(data, epochs, *folder):
        tv.utils.set_random_seed(0)
        model = tv.Sequential(
            [tv.Input((1, 1, 3)), tv.layers.Flatten(), tv.layers.Dense(1, activation="sigmoid")]
        )
        model.compile("sgd", "binary_crossentropy")
        history = model.fit(data, validation_data=validation, epochs=epochs, verbose=0).history
        return model, history

    model, history = fitted(train, 2)
    assert len(history["val_loss"]) == 2
    assert model.predict(validation, verbose=0).shape == (4, 1)
    _, other = fitted(train.map(lambda x, y: (x * 1.0, y)), 2)
    np.testing.assert_allclose(other["loss"], history["loss"], rtol=1e-5)


class Killed(BaseException):
    """The end of a process, as far as one process can show it."""


class Kill(tv.callbacks.Callback):
    """Ends the run after so many chunks."""

    def __init__(self, after):
        self.after = after

    def get_state(self):
        return {}

    def on_chunk_end(self, mode, step, logs=None):
        self.after -= 1
        if self.after < 0:
            raise Killed


def test_a_killed_run_goes_on_to_the_same_bits_and_reads_no_file_again(one_pixel, tmp_path, reads):
    def run(kill=100, folder="whole"):
        tv.utils.set_random_seed(0)
        reads.clear()
        data = numbered(one_pixel, batch_size=1, seed=1).map(lambda x, y: (x / 255, y))
        model = tv.Sequential(
            [tv.Input((1, 1, 3)), tv.layers.Flatten(), tv.layers.Dense(2, activation="softmax")]
        )
        model.compile("sgd", "sparse_categorical_crossentropy", steps_per_execution=1)
        keeper = tv.callbacks.BackupAndRestore(
            tmp_path / folder, save_freq=1, delete_checkpoint=False
        )
        model.fit(data, epochs=2, verbose=0, callbacks=[Kill(kill)], resume=keeper)
        return [w.tobytes() for w in model.get_weights()]

    whole = run()
    with pytest.raises(Killed):
        run(16, "broken")
    assert run(folder="broken") == whole
    # Once for the example, once to see that making a batch draws nothing, and what is left of the second epoch: less
    # than half of the files.
    assert len(reads) <= 7


def test_a_broken_file_is_named_and_others_are_read_on(one_pixel):
    (one_pixel / "a" / "4.png").write_bytes(b"no image")
    dataset = numbered(one_pixel, batch_size=2, shuffle=False)
    with pytest.raises(DataError, match=r"a/4\.png could not be read as an image in PNG") as info:
        arrays(dataset)
    assert any("batch 1 of " in note for note in info.value.__notes__)
    # A batch with such a file has failed as a whole.
    assert firsts(dataset.ignore_errors()) == [0, 2, 8, 1, 3, 5, 7, 9]


def test_broken_files_are_left_out_and_counted(one_pixel, caplog):
    for name in ("a/4.png", "b/3.png", "b/1.png"):
        (one_pixel / name).write_bytes(b"no image")
    dataset = numbered(one_pixel, batch_size=2, shuffle=False, errors="skip")
    mapped = dataset.map(lambda x, y: (x, y))
    with caplog.at_level(logging.WARNING, "trivium.data"):
        assert [x.shape[0] for x, _ in mapped] == [2, 1, 1, 1, 2]
        assert firsts(mapped) == [0, 2, 6, 8, 5, 7, 9]
    assert len(caplog.records) == 3
    # Threads meet them, each in another batch: which of them first is chance.
    assert sorted(Path(s.place).name for s in dataset.errors) == ["1.png", "3.png", "4.png"]
    assert mapped.errors.count == 6
    assert "could not be read as an image" in dataset.errors[0].error
    single = numbered(one_pixel, batch_size=None, shuffle=False, errors="skip")
    assert [int(x[0, 0, 0]) for x, _ in arrays(single)] == [0, 2, 6, 8, 5, 7, 9]


@pytest.fixture
def texts(tmp_path):
    for name, words in (("neg/0.txt", "bad"), ("neg/1.txt", "wörse – 怖"), ("pos/0.txt", "good")):
        path = tmp_path / "texts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(words, "utf-8")
    return tmp_path / "texts"


def test_texts(texts):
    dataset = text_dataset_from_directory(texts, shuffle=False, verbose=False)
    ((x, y),) = dataset
    assert x.tolist() == ["bad", "wörse – 怖", "good"]
    assert np.asarray(y).tolist() == [0, 0, 1]
    short = text_dataset_from_directory(
        texts, max_length=3, labels=None, shuffle=False, verbose=False
    )
    assert [t.tolist() for t in short] == [["bad", "wör", "goo"]]
    single = text_dataset_from_directory(texts, batch_size=None, shuffle=False, verbose=False)
    assert [(str(t), int(n)) for t, n in single] == [("bad", 0), ("wörse – 怖", 0), ("good", 1)]


def test_texts_are_in_utf_8(texts):
    (texts / "pos" / "1.txt").write_bytes("süß".encode("latin-1"))
    dataset = text_dataset_from_directory(texts, verbose=False)
    with pytest.raises(DataError, match=r"pos/1\.txt could not be read as text in UTF-8: .*0xfc"):
        arrays(dataset)
    kept = text_dataset_from_directory(texts, verbose=False, errors="skip")
    assert sum(len(x) for x, _ in kept) == 3
    with pytest.raises(ValueError, match="`max_length` is a whole number"):
        text_dataset_from_directory(texts, max_length=0)


SOUND = np.linspace(-1, 1, 9, endpoint=False).astype("float32")
FORMATS = {
    "uint8": lambda s: ((s * 128) + 128).astype("uint8"),
    "int16": lambda s: (s * 2**15).astype("int16"),
    "int32": lambda s: (s.astype("float64") * 2**31).astype("int32"),
    "float32": lambda s: s,
}


@pytest.mark.parametrize("kind", FORMATS)
def test_every_kind_of_wav(tmp_path, kind):
    stored = FORMATS[kind](SOUND)
    scipy.io.wavfile.write(tmp_path / "a.wav", 8000, np.stack([stored, stored[::-1]], 1))
    (x,) = arrays(audio_dataset_from_directory(tmp_path, labels=None, verbose=False))
    assert x.shape == (1, 9, 2)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x[0, :, 0], SOUND, atol=1e-2 if kind == "uint8" else 1e-4)
    np.testing.assert_allclose(x[0, ::-1, 1], x[0, :, 0])


@pytest.fixture
def sounds(tmp_path):
    for i, (name, length) in enumerate((("a/0", 4), ("a/1", 9), ("b/0", 6))):
        path = tmp_path / "sounds" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        scipy.io.wavfile.write(path, 8000, np.full(length, (i + 1) * 8192, "int16"))
    return tmp_path / "sounds"


def test_sounds_of_a_batch_are_filled_up_to_the_longest(sounds):
    ((x, y),) = arrays(audio_dataset_from_directory(sounds, shuffle=False, verbose=False))
    assert x.shape == (3, 9, 1)
    assert x[0, :, 0].tolist() == [0.25] * 4 + [0] * 5
    assert y.tolist() == [0, 0, 1]
    cut = audio_dataset_from_directory(
        sounds, shuffle=False, verbose=False, output_sequence_length=5
    )
    ((x, _),) = arrays(cut)
    assert [row.tolist() for row in x[..., 0]] == [[0.25] * 4 + [0], [0.5] * 5, [0.75] * 5]
    single = audio_dataset_from_directory(sounds, batch_size=None, shuffle=False, verbose=False)
    assert [len(x) for x, _ in single] == [4, 9, 6]


def test_sounds_at_another_rate(tmp_path):
    seconds = np.arange(800) / 8000
    tone = np.sin(2 * np.pi * 100 * seconds)
    scipy.io.wavfile.write(tmp_path / "a.wav", 8000, tone.astype("float32"))
    (x,) = arrays(audio_dataset_from_directory(tmp_path, None, sampling_rate=4000, verbose=False))
    assert x.shape == (1, 400, 1)
    middle = slice(40, -40)  # At the ends the filter meets silence.
    np.testing.assert_allclose(x[0, middle, 0], tone[::2][middle], atol=2e-3)


def test_sounds_that_are_no_wav(tmp_path, monkeypatch):
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(tmp_path / "a.flac", SOUND, 8000)
    (x,) = arrays(audio_dataset_from_directory(tmp_path, labels=None, verbose=False))
    np.testing.assert_allclose(x[0, :, 0], SOUND, atol=1e-4)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(ImportError, match=r"a\.flac is no WAV file.*pip install trivium\[audio\]"):
        audio_dataset_from_directory(tmp_path, labels=None, verbose=False)


def test_sound_errors(sounds):
    with pytest.raises(ValueError, match="`ragged` is not possible here"):
        audio_dataset_from_directory(sounds, ragged=True)
    with pytest.raises(ValueError, match="`sampling_rate` is a whole number"):
        audio_dataset_from_directory(sounds, sampling_rate=1.5)
    scipy.io.wavfile.write(sounds / "b" / "1.wav", 8000, np.zeros((3, 2), "int16"))
    with pytest.raises(DataError, match=r"different numbers of channels, \[1, 2\]"):
        arrays(audio_dataset_from_directory(sounds, verbose=False))
    (sounds / "b" / "1.wav").write_bytes(b"RIFF")
    with pytest.raises(DataError, match=r"b/1\.wav could not be read as a sound"):
        arrays(audio_dataset_from_directory(sounds, verbose=False))


def test_the_same_functions_stand_in_both_places():
    for name in loaders.__all__:
        assert getattr(tv.utils, name) is getattr(tv.preprocessing, name)
