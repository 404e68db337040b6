"""Datasets of files: `folders` finds the files, `reading` makes a pipeline of them, and each kind has its reader."""

from trivium.preprocessing.loaders.audio import audio_dataset_from_directory
from trivium.preprocessing.loaders.image import image_dataset_from_directory
from trivium.preprocessing.loaders.text import text_dataset_from_directory

__all__ = [
    "audio_dataset_from_directory",
    "image_dataset_from_directory",
    "text_dataset_from_directory",
]
