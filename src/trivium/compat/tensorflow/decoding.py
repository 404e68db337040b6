"""`tf.io` and `tf.audio` between bytes and tensors: images, sounds, raw numbers, base64, tensors."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.compat.errors import NotCovered
from trivium.compat.tensorflow import runtime  # noqa: F401
from trivium.compat.tensorflow.contents import as_strings, bytes_in, bytes_of, tensor
from trivium.compat.written import WRITTEN, covers
from trivium.data.checks import DataError
from trivium.data.records.messages import message
from trivium.data.records.parsing import parsed
from trivium.preprocessing.image.encoded import KINDS, decode_bytes, encode_jpeg, encode_png

__all__: list[str] = []

# -- images -----------------------------------------------------------------------------------------------------


def _image(
    contents: Any, channels: Any, place: str, kinds: Sequence[str] = KINDS, **options: Any
) -> np.ndarray:
    return decode_bytes(bytes_of(contents), int(channels or 0), kinds=kinds, place=place, **options)


@covers("tensorflow.io.decode_jpeg", "tensorflow.image.decode_jpeg")
def _decode_jpeg(
    contents: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Any:
    pixels = _image(contents, channels, "tf.io.decode_jpeg")
    # Blocks of pixels are their mean: what libjpeg makes of the frequencies that it keeps.
    if ratio != 1:
        raise NotCovered(f"tf.io.decode_jpeg: ratio={ratio} is not covered; use tf.image.resize.")
    return jnp.asarray(pixels)


@covers("tensorflow.io.decode_and_crop_jpeg", "tensorflow.image.decode_and_crop_jpeg")
def _decode_and_crop_jpeg(
    contents: Any, crop_window: Any, channels: int = 0, name: str | None = None, **options: Any
) -> Any:
    top, left, height, width = np.asarray(crop_window).tolist()
    pixels = _image(contents, channels, "tf.io.decode_and_crop_jpeg")
    if top < 0 or left < 0 or top + height > pixels.shape[0] or left + width > pixels.shape[1]:
        raise ValueError(
            f"tf.io.decode_and_crop_jpeg: the window {[top, left, height, width]} is not within an image of the "
            f"shape {pixels.shape}."
        )
    return jnp.asarray(pixels[top : top + height, left : left + width])


@covers("tensorflow.io.decode_png", "tensorflow.image.decode_png")
def _decode_png(
    contents: Any, channels: int = 0, dtype: Any = "uint8", name: str | None = None
) -> Any:
    deep = str(dtype) == "uint16"
    return jnp.asarray(_image(contents, channels, "tf.io.decode_png", deep=deep))


@covers("tensorflow.io.decode_bmp", "tensorflow.image.decode_bmp")
def _decode_bmp(contents: Any, channels: int = 0, name: str | None = None) -> Any:
    return jnp.asarray(_image(contents, channels, "tf.io.decode_bmp", ("BMP",)))


@covers("tensorflow.io.decode_gif", "tensorflow.image.decode_gif")
def _decode_gif(contents: Any, name: str | None = None) -> Any:
    return jnp.asarray(_image(contents, 3, "tf.io.decode_gif", frames=True))


@covers("tensorflow.io.decode_image", "tensorflow.image.decode_image")
def _decode_image(
    contents: Any,
    channels: int | None = None,
    dtype: Any = "uint8",
    name: str | None = None,
    expand_animations: bool = True,
) -> Any:
    data = bytes_of(contents)
    frames = expand_animations and data[:3] == b"GIF"
    channels = 3 if data[:3] == b"GIF" else channels
    pixels = _image(data, channels, "tf.io.decode_image", frames=frames)
    return WRITTEN["tensorflow.image.convert_image_dtype"](jnp.asarray(pixels), dtype)


@covers("tensorflow.io.encode_png", "tensorflow.image.encode_png")
def _encode_png(image: Any, compression: int = -1, name: str | None = None) -> Any:
    return as_strings(encode_png(image, compression))


@covers("tensorflow.io.encode_jpeg", "tensorflow.image.encode_jpeg")
def _encode_jpeg(
    image: Any,
    format: str = "",
    quality: int = 95,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    density_unit: str = "in",
    x_density: int = 300,
    y_density: int = 300,
    xmp_metadata: str = "",
    name: str | None = None,
) -> Any:
    return as_strings(
        encode_jpeg(
            image,
            quality,
            progressive=progressive,
            optimize=optimize_size,
            subsampling=2 if chroma_downsampling else 0,
            dpi=(x_density, y_density),
        )
    )


@covers("tensorflow.io.is_jpeg", "tensorflow.image.is_jpeg")
def _is_jpeg(contents: Any, name: str | None = None) -> Any:
    return jnp.asarray(bytes_of(contents)[:3] == b"\xff\xd8\xff")


@covers("tensorflow.io.extract_jpeg_shape", "tensorflow.image.extract_jpeg_shape")
def _extract_jpeg_shape(contents: Any, output_type: Any = "int32", name: str | None = None) -> Any:
    shape = _image(contents, 0, "tf.io.extract_jpeg_shape", ("JPEG",)).shape
    return jnp.asarray(shape, "int32")


# -- sounds -----------------------------------------------------------------------------------------------------


class _Wav(NamedTuple):
    audio: Any
    sample_rate: Any


@covers("tensorflow.audio.decode_wav")
def _decode_wav(
    contents: Any, desired_channels: int = -1, desired_samples: int = -1, name: str | None = None
) -> _Wav:
    from trivium.preprocessing.loaders.audio import decode_wav

    data = bytes_of(contents)
    sound, rate = decode_wav(
        io.BytesIO(data), f"tf.audio.decode_wav: the file of {len(data)} bytes"
    )
    if desired_channels > sound.shape[1]:
        sound = np.pad(sound, [(0, 0), (0, desired_channels - sound.shape[1])], "edge")
    elif desired_channels > 0:
        sound = sound[:, :desired_channels]
    if desired_samples >= 0:
        missing = max(desired_samples - len(sound), 0)
        sound = np.pad(sound[:desired_samples], [(0, missing), (0, 0)])
    return _Wav(jnp.asarray(sound), jnp.asarray(rate, "int32"))


@covers("tensorflow.audio.encode_wav")
def _encode_wav(audio: Any, sample_rate: Any, name: str | None = None) -> Any:
    from scipy.io import wavfile

    sound = np.asarray(audio, np.float32)
    if sound.ndim != 2:
        raise ValueError(
            f"tf.audio.encode_wav: `audio` has the shape (samples, channels); got {sound.shape}."
        )
    file = io.BytesIO()
    wavfile.write(file, int(sample_rate), (sound * 32768).clip(-32768, 32767).astype(np.int16))
    return as_strings(file.getvalue())


# -- numbers and text -------------------------------------------------------------------------------------------


def _of_each(strings: Any, function: Callable[[bytes], bytes]) -> Any:
    array = bytes_in(strings)
    made = np.empty(array.size, object)
    made[:] = [function(value) for value in array.ravel()]
    return as_strings(made.reshape(array.shape))


@covers("tensorflow.io.decode_raw")
def _decode_raw(
    input_bytes: Any,
    out_type: Any,
    little_endian: bool = True,
    fixed_length: int | None = None,
    name: str | None = None,
) -> Any:
    kind = jnp.dtype(str(getattr(out_type, "name", out_type)))
    array = bytes_in(input_bytes)
    pieces = [bytes(v) for v in array.ravel()]
    if fixed_length is not None:
        pieces = [v[:fixed_length].ljust(fixed_length, b"\0") for v in pieces]
    sizes = {len(v) for v in pieces}
    if len(sizes) > 1 or any(size % kind.itemsize for size in sizes):
        raise ValueError(
            f"tf.io.decode_raw: strings of {sorted(sizes)} bytes; wanted one length for all, a multiple of "
            f"{kind.itemsize}, the size of {kind.name}."
        )
    numbers = np.frombuffer(b"".join(pieces), kind)
    if not little_endian and kind.itemsize > 1:
        numbers = numbers.byteswap()
    return tensor(numbers.reshape(*array.shape, -1) if pieces else numbers)


@covers("tensorflow.io.encode_base64")
def _encode_base64(input: Any, pad: bool = False, name: str | None = None) -> Any:
    def encode(value: bytes) -> bytes:
        return base64.urlsafe_b64encode(value).rstrip(b"" if pad else b"=")

    return _of_each(input, encode)


@covers("tensorflow.io.decode_base64")
def _decode_base64(input: Any, name: str | None = None) -> Any:
    def decode(value: bytes) -> bytes:
        try:
            return base64.b64decode(value + b"=" * (-len(value) % 4), b"-_", validate=True)
        except ValueError as error:
            raise DataError(
                f"tf.io.decode_base64: {value[:40]!r} is no base64 of web addresses ({error})."
            ) from None

    return _of_each(input, decode)


# -- tensors ----------------------------------------------------------------------------------------------------

# The numbers that TensorFlow's messages have for dtypes.
_DTYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string", 8: "complex64", 9: "int64",
    10: "bool", 14: "bfloat16", 17: "uint16", 18: "complex128", 19: "float16", 22: "uint32", 23: "uint64",
}  # fmt: skip
_VALUES = {
    "float32": "float_val", "float64": "double_val", "int64": "int64_val", "bool": "bool_val", "uint32": "uint32_val",
    "uint64": "uint64_val", "int32": "int_val", "uint8": "int_val", "int16": "int_val", "int8": "int_val",
    "uint16": "int_val",
}  # fmt: skip


@covers("tensorflow.io.serialize_tensor")
def _serialize_tensor(tensor: Any, name: str | None = None) -> Any:
    strings = str(getattr(tensor, "dtype", "")) == "string" or isinstance(tensor, str | bytes)
    array = (
        tensor
        if strings
        else np.asarray(tensor if hasattr(tensor, "dtype") else ops.convert_to_tensor(tensor))
    )
    array = bytes_in(tensor) if strings or array.dtype.kind in "OSTU" else array
    kind = "string" if array.dtype == object else array.dtype.name
    made = message("TensorProto")(dtype={v: k for k, v in _DTYPES.items()}[kind])
    made.tensor_shape.SetInParent()
    for size in array.shape:
        made.tensor_shape.dim.add(size=size)
    if kind == "string":
        made.string_val.extend(array.ravel().tolist())
    else:
        made.tensor_content = np.ascontiguousarray(array).tobytes()
    return as_strings(made.SerializeToString())


@covers("tensorflow.io.parse_tensor")
def _parse_tensor(serialized: Any, out_type: Any, name: str | None = None) -> Any:
    made = parsed("TensorProto", bytes_of(serialized), "tf.io.parse_tensor")
    kind, wanted = _DTYPES.get(made.dtype), str(getattr(out_type, "name", out_type))
    if kind != wanted:
        raise TypeError(f"tf.io.parse_tensor: `out_type` is {wanted}, and the tensor is {kind}.")
    shape = tuple(dim.size for dim in made.tensor_shape.dim)
    if kind == "string":
        values = np.empty(len(made.string_val), object)
        values[:] = list(made.string_val)
        return as_strings(values.reshape(shape))
    if made.tensor_content or not np.prod(shape):
        return tensor(np.frombuffer(made.tensor_content, jnp.dtype(kind)).reshape(shape))
    values = np.array(getattr(made, _VALUES[kind]), kind)
    # A value that is repeated to the end is written once.
    whole = np.resize(values, int(np.prod(shape)))
    whole[len(values) :] = values[-1]
    return tensor(whole.reshape(shape))


WRITTEN["tensorflow.string"] = WRITTEN["tensorflow.dtypes.string"] = WRITTEN["tensorflow.DType"](
    "string"
)
