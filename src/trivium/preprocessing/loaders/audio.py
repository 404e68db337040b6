"""Sounds from a folder."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from trivium.data.checks import DataError, check_count
from trivium.preprocessing.errors import unreadable
from trivium.preprocessing.loaders.folders import (
    LabelMode,
    Labels,
    Subset,
    check_reading,
    find_files,
)

__all__ = ["audio_dataset_from_directory", "decode_wav"]

# SciPy reads the first, soundfile the others.
_ENDINGS = (".wav", ".flac", ".mp3", ".ogg")


def audio_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Labels = "inferred",
    label_mode: LabelMode = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: Subset = None,
    follow_links: bool = False,
    verbose: bool = True,
    *,
    errors: str = "raise",
) -> Any:
    """Make a dataset of the sounds in a folder: each subfolder is a class, each WAV file a sound.

    Files in FLAC, MP3 and Ogg count, too; they need `pip install trivium[audio]`. The arguments that are not explained
    here are those of `image_dataset_from_directory`.

    Args:
        directory: The folder.
        labels: `"inferred"`, a list of whole numbers, or `None`.
        label_mode: `"int"`, `"categorical"`, `"binary"` or `None`.
        class_names: The subfolders that count, in the order of their numbers.
        batch_size: Sounds a batch; `None` for sounds one by one.
        sampling_rate: Samples a second that all sounds are brought to; by default each keeps its own.
        output_sequence_length: How many samples each sound is cut to, or filled up to with silence. By default the
            sounds of a batch are filled up to the longest of them; a model is compiled anew for each length then.
        ragged: Not possible: arrays have one length.
        shuffle: Whether to mix the sounds.
        seed: What the order is drawn from.
        validation_split: The part that is kept for validation.
        subset: `"training"`, `"validation"` or `"both"`.
        follow_links: Whether to go into folders that are links.
        verbose: Whether to say how many files and classes there are.
        errors: What becomes of a file that cannot be read: `"raise"` or `"skip"`.

    Returns:
        A `data.Dataset` of `(sounds, labels)`, or of sounds alone. `sounds` is float32, from -1 to 1, of shape
        `(batch, samples, channels)`. It has `class_names` and `file_paths`.

    Raises:
        ValueError: An argument makes no sense, or not with the files that are there. Nothing has been read then.
        FileNotFoundError: There is no such folder.
        ImportError: There are files other than WAV, and `soundfile` is not installed.
        DataError: While reading: a file is no sound, or the sounds of a batch differ in their channels.

    Example:
        >>> import tempfile, scipy.io.wavfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     scipy.io.wavfile.write(f"{folder}/a.wav", 8000, np.array([0, 16384], np.int16))
        ...     dataset = audio_dataset_from_directory(folder, labels=None, verbose=False)
        ...     [x.ravel().tolist() for x in dataset]
        [[0.0, 0.5]]
    """
    rate = check_count("sampling_rate", sampling_rate)
    length = check_count("output_sequence_length", output_sequence_length)
    if ragged:
        raise ValueError(
            "`ragged` is not possible here: arrays have one length. Leave it out, and the sounds of a batch are filled "
            "up with silence; or take batch_size=None, which gives each sound as long as it is."
        )
    from trivium.preprocessing.loaders.reading import datasets_of

    size_of_batch = check_reading(batch_size, errors)
    parts = find_files(
        directory, labels, formats=_ENDINGS, what="sounds", label_mode=label_mode, class_names=class_names,
        shuffle=shuffle, seed=seed, validation_split=validation_split, subset=subset,
        follow_links=follow_links, verbose=verbose,
    )  # fmt: skip
    other = next((p for f in parts for p in f.paths if not _is_wav(p)), None)
    if other is not None:
        _need_soundfile(other)

    def read(path: str) -> np.ndarray:
        sound, own_rate = _decode(path)
        if rate is not None and own_rate != rate:
            sound = _resampled(sound, own_rate, rate)
        return sound if length is None else _fitted(sound, length)

    return datasets_of(
        parts, read, _padded, batch_size=size_of_batch, shuffle=shuffle, errors=errors
    )


def _is_wav(path: str) -> bool:
    return path.lower().endswith(".wav")


def _need_soundfile(path: str) -> None:
    try:
        import soundfile  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{path} is no WAV file; other sounds are read by soundfile: pip install trivium[audio]"
        ) from error


def _decode(path: str) -> tuple[np.ndarray, int]:
    """Return a sound, shape `(samples, channels)`, float32 from -1 to 1, and its samples a second."""
    if _is_wav(path):
        return decode_wav(path, path)
    try:
        import soundfile

        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
        return sound, int(rate)
    except Exception as error:  # Whatever a parser stumbles over in a damaged file.
        raise unreadable(path, error, "a sound") from error


def decode_wav(file: Any, name: str) -> tuple[np.ndarray, int]:
    """Return the sound of a WAV file.

    Args:
        file: A path, or an open file of bytes.
        name: What it is called, for messages.

    Returns:
        The sound, shape `(samples, channels)`, float32 from -1 to 1, and its samples a second.

    Raises:
        DataError: It cannot be read as a sound.

    Example:
        >>> import io, scipy.io.wavfile
        >>> file = io.BytesIO()
        >>> scipy.io.wavfile.write(file, 8000, np.array([0, 16384], "int16"))
        >>> decode_wav(file, "a tone")
        (array([[0. ], [0.5]], dtype=float32), 8000)
    """
    from scipy.io import wavfile

    try:
        with warnings.catch_warnings():
            # Of chunks that say who made the file, which nobody asked for.
            warnings.simplefilter("ignore", wavfile.WavFileWarning)
            rate, sound = wavfile.read(file)
    except Exception as error:  # Whatever a parser stumbles over in a damaged file.
        raise unreadable(name, error, "a sound") from error
    if sound.dtype.kind == "u":  # 8 bits, which go from 0 to 255
        sound = (sound.astype(np.float32) - 128) / 128
    elif sound.dtype.kind == "i":  # 24 bits come in the upper ones of 32
        sound = (sound / -float(np.iinfo(sound.dtype).min)).astype(np.float32)
    return sound.astype(np.float32, copy=False).reshape(len(sound), -1), int(rate)


def _resampled(sound: np.ndarray, old: int, new: int) -> np.ndarray:
    from scipy.signal import resample_poly

    common = math.gcd(old, new)
    resampled: np.ndarray = resample_poly(sound, new // common, old // common, axis=0)
    return resampled.astype(np.float32)


def _fitted(sound: np.ndarray, length: int) -> np.ndarray:
    """Return a sound cut or filled up to a length."""
    return np.pad(sound[:length], [(0, max(length - len(sound), 0)), (0, 0)])


def _padded(sounds: list[np.ndarray]) -> np.ndarray:
    """Return sounds as one array, as long as the longest."""
    channels = {sound.shape[1] for sound in sounds}
    if len(channels) > 1:
        raise DataError(
            f"the sounds of a batch have different numbers of channels, {sorted(channels)}: bring the files to one "
            "number, or take batch_size=None and bring them to one by `map`."
        )
    longest = max(map(len, sounds))
    return np.stack([_fitted(sound, longest) for sound in sounds])
