"""Datasets of files in programs for TensorFlow and Keras."""

from __future__ import annotations

import numpy as np
import pytest
from image_folders import write_images

import trivium as tv

PROGRAM = """
import numpy as np
import tensorflow as tf
from tensorflow.keras import layers
{imports}

train_ds = {function}(
    "images", validation_split=0.25, subset="training", seed=123, image_size=(8, 8), batch_size=4)
val_ds = {function}(
    "images", validation_split=0.25, subset="validation", seed=123, image_size=(8, 8), batch_size=4)
class_names = train_ds.class_names
for image_batch, labels_batch in train_ds.take(1):
    shape, top = image_batch.numpy().shape, labels_batch.numpy().max()
AUTOTUNE = tf.data.AUTOTUNE
train_ds = train_ds.cache().shuffle(1000).prefetch(buffer_size=AUTOTUNE)
val_ds = val_ds.map(lambda x, y: (tf.cast(x, tf.float32), y), num_parallel_calls=AUTOTUNE)
spec = val_ds.element_spec[0]
model = tf.keras.Sequential([
    layers.Rescaling(1.0 / 255, input_shape=(8, 8, 3)), layers.Flatten(), layers.Dense(len(class_names))])
model.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
history = model.fit(train_ds, validation_data=val_ds, epochs=2, verbose=0)
is_dataset = isinstance(train_ds, tf.data.Dataset)
"""


@pytest.mark.parametrize(
    ("imports", "function"),
    [
        ("", "tf.keras.utils.image_dataset_from_directory"),
        (
            "from keras.preprocessing import image_dataset_from_directory as load",
            "load",
        ),
    ],
)
def test_an_image_classifier_of_a_folder(imports, function, run, tmp_path, monkeypatch, capsys):
    write_images(tmp_path / "images")
    monkeypatch.chdir(tmp_path)
    names = run(PROGRAM.format(imports=imports, function=function))
    assert (
        "Found 16 files belonging to 3 classes.\nUsing 12 files for training.\n"
        in capsys.readouterr().out
    )
    assert names["class_names"] == ["ant", "bee", "cat"]
    assert names["shape"] == (4, 8, 8, 3)
    assert names["is_dataset"]
    assert len(names["history"].history["val_loss"]) == 2


def test_texts_of_a_folder(run, tmp_path, monkeypatch):
    for name in ("neg", "pos"):
        (tmp_path / "texts" / name).mkdir(parents=True)
        (tmp_path / "texts" / name / "0.txt").write_text(f"süß {name}", "utf-8")
    monkeypatch.chdir(tmp_path)
    names = run(
        """
        import tensorflow as tf
        raw = tf.keras.utils.text_dataset_from_directory("texts", batch_size=2, shuffle=False)
        for text_batch, label_batch in raw.take(1):
            seen = [(text_batch.numpy()[i].decode("utf-8"), int(label_batch.numpy()[i])) for i in range(2)]
        for text, _ in raw.unbatch().take(1):
            one = text.numpy()
        """
    )
    assert names["seen"] == [("süß neg", 0), ("süß pos", 1)]
    assert names["one"] == "süß neg".encode()


def test_windows_parts_and_older_helpers(run):
    names = run(
        """
        import numpy as np, tensorflow as tf, keras
        ds = tf.keras.utils.timeseries_dataset_from_array(np.arange(20.), None, 3, batch_size=4)
        shapes = [tuple(x.shape) for x in ds.map(lambda x: x * 2, num_parallel_calls=-1).take(2, name="t")]
        left, right = keras.utils.split_dataset(np.arange(10.), left_size=0.6)
        sizes = int(left.cardinality()), int(right.cardinality())
        faces = isinstance(ds, tf.data.Dataset) and isinstance(left, tf.data.Dataset)
        tokenizer = tf.keras.preprocessing.text.Tokenizer(num_words=9, oov_token="<OOV>")
        tokenizer.fit_on_texts(["a b a"])
        padded = tf.keras.preprocessing.sequence.pad_sequences(tokenizer.texts_to_sequences(["a c"]), maxlen=4)
        generator = tf.keras.preprocessing.image.ImageDataGenerator(rescale=0.5)
        batch = next(generator.flow(np.ones((2, 4, 4, 3)), batch_size=2))
        """
    )
    assert names["shapes"] == [(4, 3), (4, 3)]
    assert names["sizes"] == (6, 4)
    assert names["faces"]
    assert names["padded"].tolist() == [[0, 0, 2, 1]]
    np.testing.assert_array_equal(names["batch"], np.full((2, 4, 4, 3), 0.5))


def test_outside_of_a_program_they_give_our_own(images):
    dataset = tv.utils.image_dataset_from_directory(images, verbose=False)
    assert type(dataset).__module__.startswith("trivium.preprocessing")


@pytest.fixture
def images(tmp_path):
    write_images(tmp_path / "images")
    return tmp_path / "images"
