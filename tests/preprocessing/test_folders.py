"""Which files a folder has, in which order, and the class of each: as in the real Keras."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from image_folders import CLASSES, write_images
from oracle import recorded

from trivium import utils
from trivium.preprocessing import image_dataset_from_directory

FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
LABELS = [*[0, 2, 1, 0] * 4, 1]  # One image lies in a hidden folder, which is no class.


def made(**kwargs):
    """Return a dataset that has read nothing."""

    def of(folder, **more):
        return image_dataset_from_directory(folder, **{"verbose": False} | kwargs | more)

    return of


def relative(paths, folder):
    return [Path(p).relative_to(folder).as_posix() for p in paths]


@pytest.mark.parametrize(
    "kwargs",
    [
        {"seed": 0},
        {"seed": 123},
        {"shuffle": False},
        {"seed": 5, "class_names": ["cat", "ant"]},
        {"seed": 5, "labels": None},
        {"seed": 9, "labels": LABELS},
    ],
)
def test_files_labels_and_names_are_the_real_keras_s(kwargs):
    def theirs(keras):
        with tempfile.TemporaryDirectory() as folder:
            write_images(Path(folder))
            labels = list(kwargs.get("labels", "inferred") or []) or None
            labels = "inferred" if "labels" not in kwargs else labels
            paths, numbers, names = keras.src.utils.dataset_utils.index_directory(
                folder, labels, FORMATS, kwargs.get("class_names"), kwargs.get("shuffle", True),
                kwargs.get("seed"), verbose=False,
            )  # fmt: skip
            return (
                relative(paths, folder),
                None if numbers is None else list(map(int, numbers)),
                names,
            )

    paths, numbers, names = recorded(theirs)
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder))
        dataset = made(**kwargs)(folder, image_size=2)
        assert relative(dataset.file_paths, folder) == paths
        assert dataset.class_names == names
        elements = dataset._elements
        labels = elements._make.files.labels
        assert labels is None if numbers is None else labels.tolist() == numbers


@pytest.mark.parametrize("subset", ["training", "validation", "both"])
def test_parts_are_the_real_keras_s(subset, images, capsys):
    theirs = recorded(
        lambda keras: [
            keras.src.utils.dataset_utils.get_training_or_validation_split(
                list(range(16)), None, 0.3, which
            )[0]
            for which in ("training", "validation")
        ]
    )
    capsys.readouterr()  # What the real Keras said.
    whole = made()(images, seed=3).file_paths
    parts = made()(images, seed=3, validation_split=0.3, subset=subset, verbose=True)
    said = capsys.readouterr().out
    assert "Found 16 files belonging to 3 classes.\n" in said
    assert ("Using 12 files for training.\n" in said) == (subset != "validation")
    wanted = {"training": theirs[:1], "validation": theirs[1:], "both": theirs}[subset]
    parts = parts if subset == "both" else [parts]
    assert [p.file_paths for p in parts] == [[whole[i] for i in numbers] for numbers in wanted]
    assert all(p.class_names == list(CLASSES) for p in parts)


@pytest.mark.parametrize(
    ("label_mode", "class_names", "wanted"),
    [
        ("int", None, np.array([0] * 7 + [1] * 4 + [2] * 5, "int32")),
        ("categorical", None, np.eye(3, dtype="float32")[[0] * 7 + [1] * 4 + [2] * 5]),
        ("binary", ["bee", "ant"], np.array([[0]] * 4 + [[1]] * 7, "float32")),
    ],
)
def test_modes_of_labels(images, label_mode, class_names, wanted):
    dataset = made(label_mode=label_mode, class_names=class_names)(
        images, image_size=(2, 2), shuffle=False
    )
    (_, labels), = dataset  # fmt: skip
    np.testing.assert_array_equal(labels, wanted, strict=True)


def test_without_labels_there_are_images_alone(images):
    for kwargs in ({"labels": None}, {"label_mode": None}):
        dataset = made(**kwargs)(images, image_size=2)
        assert dataset.class_names is None
        assert next(iter(dataset)).shape == (17, 2, 2, 3)


def test_the_order_follows_from_the_global_seed(images):
    orders = []
    for seed in (1, 1, 2):
        utils.set_random_seed(seed)
        orders.append(made()(images).file_paths)
    assert orders[0] == orders[1] != orders[2]
    given = made()(images, seed=4).file_paths
    utils.set_random_seed(9)
    assert made()(images, seed=4).file_paths == given


def test_labels_are_left_alone(images):
    labels = list(LABELS)
    made(labels=labels)(images, seed=1)
    assert labels == LABELS
    array = made(labels=np.array(LABELS))(images, shuffle=False, image_size=2)
    assert array.class_names == ["0", "1", "2"]


def test_links_are_followed_if_wanted(own_images, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (own_images / "ant" / "0.png").rename(tmp_path / "elsewhere" / "0.png")
    os.symlink(tmp_path / "elsewhere", own_images / "ant" / "link")
    assert len(made()(own_images).file_paths) == 15
    assert len(made(follow_links=True)(own_images).file_paths) == 16


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"labels": "infered"}, "Did you mean 'inferred'"),
        ({"labels": 3}, "a list of whole numbers, or None; got a int"),
        ({"labels": [0, 1]}, r"`labels` has 2 entries, and .* has 17 images"),
        ({"labels": ["a"] * 17}, r"whole numbers; got 'a'.*return_inverse"),
        (
            {"labels": [*[0, 5] * 8, 0], "label_mode": "categorical"},
            "has 5 at position 1; with 2 classes",
        ),
        ({"label_mode": "categorial"}, "Did you mean 'categorical'"),
        ({"label_mode": "binary"}, r"for two classes, and .* has 3: \['ant', 'bee', 'cat'\]"),
        ({"class_names": ["ant"], "label_mode": "binary"}, "for two classes, and .* has 1"),
        ({"class_names": ["ant"], "label_mode": "categorical"}, "has one, 'ant'"),
        ({"class_names": ["ant", "be"]}, "no such subfolder. Did you mean 'bee'"),
        ({"class_names": ["ant", "ant"]}, "a name twice"),
        ({"class_names": "ant"}, "a list of names of folders"),
        ({"class_names": ["ant"], "labels": None}, "goes with labels='inferred'"),
        ({"validation_split": 2, "subset": "both"}, "between 0 and 1; got 2"),
        ({"validation_split": 0.5}, "`validation_split` was given without `subset`"),
        ({"subset": "both"}, "`subset` was given without `validation_split`"),
        ({"subset": "train", "validation_split": 0.5}, "Did you mean 'training'"),
        ({"subset": "training", "validation_split": 0.5}, "`seed` is missing"),
        ({"subset": "both", "validation_split": 0.01}, "leaves none for validation"),
        ({"seed": -1}, "`seed` is a whole number"),
        ({"seed": 1.5}, "`seed` is a whole number"),
        ({"batch_size": 0}, "`batch_size` is a whole number of at least 1"),
        ({"errors": "ignore"}, "`errors` is 'raise' or 'skip'"),
        ({"format": "torch"}, "`format` is 'tf' or 'grain'"),
        ({"color_mode": "greyscale"}, "Did you mean 'grayscale'"),
        ({"image_size": (0, 3)}, "`image_size` is the height and the width"),
        ({"image_size": None}, "`image_size` is the height and the width"),
        ({"interpolation": "linear"}, "Did you mean 'bilinear'"),
        ({"data_format": "channel_last"}, "Did you mean 'channels_last'"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "not both"),
    ],
)
def test_errors(images, kwargs, message):
    with pytest.raises(ValueError, match=message):
        made(**kwargs)(images)


def test_folders_with_nothing_in_them(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        made()(tmp_path / "no")
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="it is a file"):
        made()(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"has no subfolders.*1 images lie in the folder itself"):
        made()(tmp_path)
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"one class, 'cat', so .* or labels=None"):
        made()(tmp_path)
    assert len(made(labels=None)(tmp_path).file_paths) == 2
    (tmp_path / "cat" / "a.png").rename(tmp_path / "cat" / "a.tiff")
    with pytest.raises(
        ValueError, match=r"no images .*: no file that ends in .*; there are .*\.tiff"
    ):
        made()(tmp_path)
