"""`ImageDataGenerator` and what it is made of."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from oracle import recorded
from PIL import Image

import trivium as tv
from trivium.data.checks import DataError
from trivium.preprocessing import image

# The real Keras asks SciPy by a name that SciPy has given up.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Please import `affine_transform`:DeprecationWarning"
)

RNG = np.random.default_rng(0)
SQUARES = RNG.uniform(0, 255, (7, 6, 6, 3)).astype("float32")
LABELS = np.arange(7) % 3
LAST = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}


def close(ours, theirs):
    assert np.shape(ours) == np.shape(theirs)
    np.testing.assert_allclose(ours, theirs, atol=2e-3)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"theta": 30},
        {"tx": 1.5, "ty": -1},
        {"shear": 20},
        {"zx": 0.5, "zy": 1.25},
        {"theta": 10, "tx": 1, "shear": 5, "zx": 0.9, "fill_mode": "constant", "cval": 3},
        {"theta": 45, "order": 0, "fill_mode": "reflect"},
        {"theta": 180},
    ],
)
def test_squares_are_moved_as_in_the_real_keras(kwargs):
    x = SQUARES[0]
    theirs = recorded(
        lambda keras: keras.src.legacy.preprocessing.image.apply_affine_transform(
            x, **LAST, **kwargs
        )
    )
    close(image.apply_affine_transform(x, **LAST, **kwargs), theirs)
    # Where channels come first, likewise.
    first = image.apply_affine_transform(x.transpose(2, 0, 1), **kwargs)
    close(first.transpose(1, 2, 0), theirs)


def test_an_oblong_turns_about_its_middle():
    # In the real Keras about another point, since it takes the height for the width.
    x = np.arange(12.0).reshape(3, 4, 1)
    close(image.apply_affine_transform(x, theta=180, **LAST), x[::-1, ::-1])


def test_a_shift_of_the_height_goes_up_and_down():
    # In the real Keras to the side.
    x = SQUARES[0]
    np.random.seed(0)
    settings = image.ImageDataGenerator(height_shift_range=[2]).get_random_transform(x.shape)
    assert abs(settings["ty"]) == 2
    assert settings["tx"] == 0
    moved = image.ImageDataGenerator().apply_transform(x, {"ty": 1})
    np.testing.assert_allclose(moved[:-1], x[1:], atol=1e-3)
    moved = image.random_shift(
        np.broadcast_to(np.arange(6.0)[:, None, None], (6, 6, 1)), 0.3, 0, **LAST
    )
    np.testing.assert_allclose(moved[:, 0, 0], np.arange(6.0))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("random_rotation", (30,)),
        ("random_shear", (20,)),
        ("random_zoom", ((0.5, 1.5),)),
    ],
)
def test_chance_is_the_real_keras_s(name, arguments):
    x = SQUARES[0]

    def drawn(module):
        np.random.seed(3)
        return getattr(module, name)(x, *arguments, **LAST)

    close(drawn(image), recorded(lambda keras: drawn(keras.src.legacy.preprocessing.image)))


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("stretch", [1, 3])
def test_colors_are_the_real_keras_s(scale, stretch):
    x = SQUARES[1] * stretch

    def changed(module):
        np.random.seed(3)
        return [
            module.apply_brightness_shift(x, 0.6, scale),
            module.random_brightness(x, (0.3, 0.9), scale),
            module.apply_channel_shift(x, 40.0, channel_axis=2),
            module.random_channel_shift(x, 40.0, channel_axis=2),
        ]

    theirs = recorded(lambda keras: changed(keras.src.legacy.preprocessing.image))
    for ours, its in zip(changed(image), theirs, strict=True):
        np.testing.assert_allclose(ours, its, atol=1.1 * stretch)  # Bytes, which round.


SETTINGS = [
    {},
    {"rescale": 1 / 255, "samplewise_center": True, "samplewise_std_normalization": True},
    {"rotation_range": 40, "shear_range": 10, "zoom_range": 0.3, "horizontal_flip": True},
    {"vertical_flip": True, "channel_shift_range": 30.0, "fill_mode": "wrap"},
    {"featurewise_center": True, "featurewise_std_normalization": True},
    {"zca_whitening": True, "featurewise_center": True, "rescale": 1 / 255},
    {"zoom_range": (0.8, 1.1), "interpolation_order": 0, "preprocessing_function": np.sqrt},
    {"brightness_range": (0.5, 1.5)},
]


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_batches_are_the_real_keras_s(number):
    settings = SETTINGS[number]

    def batches(module):
        generator = module.ImageDataGenerator(**settings)
        generator.fit(
            SQUARES[:4, :4, :4], seed=1
        ) if "zca_whitening" in settings else generator.fit(SQUARES, augment=True, rounds=2, seed=1)
        x = SQUARES[:, :4, :4] if "zca_whitening" in settings else SQUARES
        flow = generator.flow(x, LABELS, batch_size=3, seed=7)
        return [flow[i] for i in (1, 0)] + [next(flow) for _ in range(5)]

    theirs = recorded(lambda keras: batches(keras.src.legacy.preprocessing.image))
    for ours, its in zip(batches(image), theirs, strict=True):
        np.testing.assert_array_equal(ours[1], its[1])
        np.testing.assert_allclose(ours[0], its[0], rtol=1e-4, atol=2e-3 if number != 7 else 1.1)


def test_arrays_beside_the_images_and_a_validation_part():
    generator = image.ImageDataGenerator(validation_split=0.3)
    weights = np.arange(7.0)
    flow = generator.flow(
        (SQUARES, [np.arange(7)]), LABELS, batch_size=4, sample_weight=weights, shuffle=False, subset="training",
        ignore_class_split=True,
    )  # fmt: skip
    (x, beside), y, weight = flow[0]
    np.testing.assert_array_equal(x, SQUARES[2:6])
    assert (beside == [2, 3, 4, 5]).all()
    assert (y == LABELS[2:6]).all()
    assert (weight == weights[2:6]).all()
    part = generator.flow(SQUARES, batch_size=4, shuffle=False, subset="validation")
    np.testing.assert_array_equal(next(part), SQUARES[:2])
    with pytest.raises(ValueError, match="different classes"):
        generator.flow(SQUARES, np.sort(LABELS), subset="training")


@pytest.fixture
def folder(tmp_path):
    """Three cats and two dogs, one of them in a folder of its own."""
    for i, name in enumerate(("cat/0.png", "cat/1.png", "cat/2.PNG", "dog/0.png", "dog/old/1.bmp")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 5, 3), 10 * i, "uint8")).save(path)
    (tmp_path / "dog" / "notes.txt").write_text("no image")
    return tmp_path


def test_a_folder(folder, capsys):
    flow = image.ImageDataGenerator(rescale=0.1).flow_from_directory(
        str(folder), target_size=(3, 3), batch_size=4, shuffle=False
    )
    assert capsys.readouterr().out == "Found 5 images belonging to 2 classes.\n"
    assert flow.class_indices == {"cat": 0, "dog": 1}
    assert flow.filenames[-1] == os.path.join("dog", "old", "1.bmp")
    assert flow.samples == 5
    assert flow.classes.tolist() == [0, 0, 0, 1, 1]
    x, y = flow[0]
    assert x.shape == (4, 3, 3, 3)
    np.testing.assert_allclose(x[:, 0, 0, 0], [0, 1, 2, 3], rtol=1e-6)
    assert y.tolist() == [[1, 0], [1, 0], [1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("class_mode", "wanted"),
    [("binary", [0, 0, 0, 1]), ("sparse", [0, 0, 0, 1]), ("input", None), (None, None)],
)
def test_modes_of_classes(folder, class_mode, wanted):
    flow = image.ImageDataGenerator().flow_from_directory(
        folder, (2, 2), "grayscale", class_mode=class_mode, batch_size=4, shuffle=False
    )
    batch = flow[0]
    if class_mode is None:
        assert batch.shape == (4, 2, 2, 1)
    elif class_mode == "input":
        np.testing.assert_array_equal(*batch)
    else:
        assert batch[1].tolist() == wanted


def test_parts_of_a_folder_are_parts_of_each_class(folder):
    generator = image.ImageDataGenerator(validation_split=0.5)
    parts = [
        generator.flow_from_directory(folder, subset=s).filenames
        for s in ("validation", "training")
    ]
    assert [sorted(p) for p in parts] == [
        ["cat/0.png", "dog/0.png"], ["cat/1.png", "cat/2.PNG", "dog/old/1.bmp"]
    ]  # fmt: skip


def test_changed_images_can_be_looked_at(folder, tmp_path):
    (tmp_path / "seen").mkdir()
    flow = image.ImageDataGenerator().flow_from_directory(
        folder,
        (4, 4),
        classes=["cat"],
        save_to_dir=str(tmp_path / "seen"),
        save_prefix="p",
        batch_size=2,
    )
    next(flow)
    assert len(list((tmp_path / "seen").glob("p_*.png"))) == 2


def table(**columns):
    names = ["cat/0.png", "cat/1.png", "dog/0.png", "dog/old/1.bmp"]
    return pd.DataFrame({"filename": names, "class": ["a", "b", "a", "c"], **columns})


def test_a_table(folder):
    generator = image.ImageDataGenerator()
    flow = generator.flow_from_dataframe(
        table(w=[0.1, 0.2, 0.3, 0.4]),
        str(folder),
        weight_col="w",
        target_size=(2, 2),
        shuffle=False,
    )
    x, y, weight = flow[0]
    assert x[:, 0, 0, 0].tolist() == [0, 10, 30, 40]
    assert y.argmax(1).tolist() == [0, 1, 0, 2]
    assert weight.tolist() == [0.1, 0.2, 0.3, 0.4]
    chosen = generator.flow_from_dataframe(
        table(), folder, classes=["c", "a"], class_mode="sparse", shuffle=False
    )
    assert chosen[0][1].tolist() == [1, 1, 0]
    several = table()
    several["class"] = [["a", "b"], "b", ["c"], "a"]
    many = generator.flow_from_dataframe(several, folder, shuffle=False)
    assert many[0][1].tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    raw = generator.flow_from_dataframe(
        table(v=[1.0, 2, 3, 4]), folder, y_col="v", class_mode="raw", shuffle=False
    )
    assert raw[0][1].tolist() == [1, 2, 3, 4]
    outputs = generator.flow_from_dataframe(
        table(v=[1, 2, 3, 4], w=[5, 6, 7, 8]),
        folder,
        y_col=["v", "w"],
        class_mode="multi_output",
        shuffle=False,
    )
    assert [o.tolist() for o in outputs[0][1]] == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_files_that_a_table_names_and_that_are_not_there(folder):
    rows = table()
    rows.loc[1, "filename"] = "gone.png"
    with pytest.warns(UserWarning, match="1 of the 4 files in the column 'filename' are not there"):
        flow = image.ImageDataGenerator().flow_from_dataframe(rows, folder)
    assert flow.samples == 3


def test_a_model_is_trained_on_a_folder(folder):
    flow = image.ImageDataGenerator(rescale=1 / 255, horizontal_flip=True).flow_from_directory(
        folder, target_size=(4, 4), batch_size=2, seed=1
    )
    model = tv.Sequential(
        [tv.Input((4, 4, 3)), tv.layers.Flatten(), tv.layers.Dense(2, activation="softmax")]
    )
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(flow, epochs=2, verbose=0).history
    assert len(history["loss"]) == 2
    assert model.predict(flow, verbose=0).shape == (5, 2)


def test_a_broken_file_is_named(folder):
    (folder / "dog" / "0.png").write_bytes(b"not a PNG")
    flow = image.ImageDataGenerator().flow_from_directory(folder, shuffle=False)
    with pytest.raises(DataError, match=r"dog/0\.png could not be read as an image"):
        flow[0]


def test_statistics_that_were_not_learned():
    generator = image.ImageDataGenerator(
        featurewise_center=True, featurewise_std_normalization=True
    )
    with pytest.warns(UserWarning, match="`featurewise_.*` needs numbers of the data"):
        same = generator.standardize(SQUARES[0].copy())
    np.testing.assert_allclose(same, SQUARES[0], rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g, d: g(zoom_range="0.1"), "`zoom_range` is a pair"),
        (lambda g, d: g(brightness_range=0.5), "`brightness_range` is a pair"),
        (lambda g, d: g(validation_split=2), "`validation_split` lies between 0 and 1"),
        (lambda g, d: g(data_format="last"), "'channels_last' or 'channels_first'"),
        (lambda g, d: g().flow(SQUARES[0]), "got shape"),
        (lambda g, d: g().flow(SQUARES, LABELS[:3]), "7 images and `y` 3 entries"),
        (lambda g, d: g().fit(SQUARES[0]), "with four axes; got shape"),
        (lambda g, d: g().flow(SQUARES, subset="train"), "Did you mean 'training'"),
        (lambda g, d: g().flow_from_directory(d, class_mode="categorial"), "mean 'categorical'"),
        (lambda g, d: g().flow_from_directory(d, color_mode="gray"), "mean 'grayscale'"),
        (lambda g, d: g().flow_from_dataframe(table(), d, x_col="filenam"), "mean 'filename'"),
        (lambda g, d: g().flow_from_dataframe(table(), d, class_mode="binary"), "there are 3"),
        (lambda g, d: image.apply_affine_transform(SQUARES, 3), "an image with three axes"),
    ],
)
def test_errors(folder, call, message):
    with pytest.raises(ValueError, match=message):
        call(image.ImageDataGenerator, folder)


def test_a_part_without_a_generator_is_told_of():
    x = np.zeros((4, 2, 2, 3))
    with pytest.raises(ValueError, match=r"subset='training' .* give `image_data_generator`"):
        image.NumpyArrayIterator(x, None, None, subset="training")
