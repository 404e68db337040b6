"""TensorFlow's array functions against NumPy, under their own names and arguments."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium
from trivium.compat import NotCovered, active

with active():
    import tensorflow as tf

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(2, 3, 4)).astype("float32")
P = np.abs(X) + 0.1
SQUARE = X @ X.T + 3 * np.eye(3, dtype="float32")
K = tf.keras.backend


@pytest.mark.parametrize(
    ("came", "wanted"),
    [
        (lambda: tf.reduce_mean(X), X.mean()),
        (lambda: tf.reduce_mean(input_tensor=X, axis=1, keepdims=True), X.mean(1, keepdims=True)),
        (lambda: tf.math.reduce_sum(X, [0, 1]), X.sum()),
        (lambda: tf.argmax(X), X.argmax(0)),
        (lambda: tf.argmax(X, axis=-1, output_type=tf.int64), X.argmax(-1)),
        (lambda: tf.concat(values=[X, Y], axis=1), np.concatenate([X, Y], 1)),
        (lambda: tf.clip_by_value(X, -0.5, 0.5), X.clip(-0.5, 0.5)),
        (lambda: tf.expand_dims(X, -1), X[..., None]),
        (lambda: tf.transpose(X, perm=[1, 0]), X.T),
        (lambda: tf.linalg.cross(X[:, :3], Y[:, :3]), np.cross(X[:, :3], Y[:, :3])),
        (lambda: tf.linalg.logdet(SQUARE), np.linalg.slogdet(SQUARE)[1]),
        (lambda: tf.math.reduce_euclidean_norm(X, axis=1), np.linalg.norm(X, axis=1)),
        (lambda: tf.math.rint(X * 3), np.rint(X * 3)),
        (lambda: tf.nn.zero_fraction([0.0, 1.0, 0.0, 0.0]), 0.75),
        (lambda: K.switch(X > 0, lambda: X, lambda: Y), np.where(X > 0, X, Y)),
        (lambda: K.bias_add(X, Y[0]), X + Y[0]),
        (lambda: K.map_fn(lambda row: row * 2, X), X * 2),
        (lambda: K.dropout(X, 0.0), X),
        (lambda: K.batch_get_value([tf.constant(X)])[0], X),
        (lambda: tf.gather(X, [2, 0]), X[[2, 0]]),
        (lambda: tf.gather(X, [2, 0], axis=1), X[:, [2, 0]]),
        (lambda: tf.gather_nd(X, [[0, 1], [2, 3]]), X[[0, 2], [1, 3]]),
        (lambda: tf.boolean_mask(X, [True, False, True]), X[[0, 2]]),
        (lambda: tf.tile(X, [2, 1]), np.tile(X, (2, 1))),
        (lambda: tf.fill([2, 3], 7.0), np.full((2, 3), 7.0)),
        (lambda: tf.zeros((2, 3)), np.zeros((2, 3))),
        (lambda: tf.ones_like(X, dtype=tf.int32), np.ones((3, 4))),
        (lambda: tf.eye(2, 4), np.eye(2, 4)),
        (lambda: tf.range(2, 11, 3), [2, 5, 8]),
        (lambda: tf.range(3), [0, 1, 2]),
        (lambda: tf.constant([1, 2, 3, 4], shape=(2, 2), dtype=tf.float32), [[1, 2], [3, 4]]),
        (lambda: tf.constant(1.5, shape=(2,)), [1.5, 1.5]),
        (lambda: tf.one_hot([0, 2], 3), np.eye(3)[[0, 2]]),
        (lambda: tf.one_hot([1], 2, on_value=5.0, off_value=-1.0), [[-1.0, 5.0]]),
        (lambda: tf.sequence_mask([1, 3]), [[1, 0, 0], [1, 1, 1]]),
        (lambda: tf.split(X, [1, -1], axis=1)[1], X[:, 1:]),
        (lambda: tf.split(X, 2, axis=1)[0], X[:, :2]),
        (lambda: tf.pad(X, [[1, 0], [0, 2]], constant_values=9.0),
         np.pad(X, [[1, 0], [0, 2]], constant_values=9.0)),
        (lambda: tf.pad(X, [[1, 1], [1, 1]], "REFLECT"), np.pad(X, 1, "reflect")),
        (lambda: tf.slice(X, [0, 1], [2, -1]), X[:2, 1:]),
        (lambda: tf.where(X > 0, X, Y), np.where(X > 0, X, Y)),
        (lambda: tf.where(X > 0), np.argwhere(X > 0)),
        (lambda: tf.matmul(X, Y, transpose_b=True), X @ Y.T),
        (lambda: tf.linalg.matvec(X, Y[0]), X @ Y[0]),
        (lambda: tf.einsum("ij,kj->ik", X, Y), X @ Y.T),
        (lambda: tf.linalg.inv(SQUARE), np.linalg.inv(SQUARE)),
        (lambda: tf.linalg.diag(X)[1], np.diag(X[1])),
        (lambda: tf.linalg.diag_part(SQUARE), np.diag(SQUARE)),
        (lambda: tf.linalg.trace(SQUARE), np.trace(SQUARE)),
        (lambda: tf.linalg.band_part(SQUARE, -1, 0), np.tril(SQUARE)),
        (lambda: tf.linalg.band_part(SQUARE, 0, 1), np.triu(SQUARE) - np.triu(SQUARE, 2)),
        (lambda: tf.linalg.svd(X)[0], np.linalg.svd(X)[1]),
        (lambda: tf.norm(X), np.linalg.norm(X)),
        (lambda: tf.norm(X, ord=1), np.abs(X).sum()),
        (lambda: tf.math.l2_normalize(X, axis=1), X / np.linalg.norm(X, axis=1, keepdims=True)),
        (lambda: tf.clip_by_norm(X, 1.0), X / np.linalg.norm(X)),
        (lambda: tf.clip_by_global_norm([X, Y], 1e6)[0][1], Y),
        (lambda: tf.math.squared_difference(X, Y), (X - Y) ** 2),
        (lambda: tf.add_n([X, Y, X]), X + Y + X),
        (lambda: tf.cumsum(X, axis=1, exclusive=True), X.cumsum(1) - X),
        (lambda: tf.cumsum(X, axis=1, reverse=True), X[:, ::-1].cumsum(1)[:, ::-1]),
        (lambda: tf.sort(X, direction="DESCENDING"), -np.sort(-X)),
        (lambda: tf.argsort(X, direction="DESCENDING"), np.argsort(-X)),
        (lambda: tf.math.top_k(X, 2).indices, np.argsort(-X)[:, :2]),
        (lambda: tf.math.segment_sum(X, [0, 0, 1]), [X[0] + X[1], X[2]]),
        (lambda: tf.math.confusion_matrix([0, 1, 2, 2], [0, 1, 1, 2]),
         [[1, 0, 0], [0, 1, 0], [0, 1, 1]]),
        (lambda: tf.nn.softmax(X), np.exp(X) / np.exp(X).sum(-1, keepdims=True)),
        (lambda: tf.nn.relu(features=X), X.clip(0)),
        (lambda: tf.nn.leaky_relu(X, alpha=0.3), np.where(X > 0, X, 0.3 * X)),
        (lambda: tf.nn.moments(X, [0])[1], X.var(0)),
        (lambda: tf.nn.l2_loss(X), (X**2).sum() / 2),
        (lambda: tf.nn.max_pool2d(X.reshape(1, 3, 4, 1), [1, 2, 2, 1], 2, "VALID"),
         [[[[X[:2, :2].max()], [X[:2, 2:].max()]]]]),
        (lambda: tf.nn.conv2d(X.reshape(1, 3, 4, 1), np.ones((2, 2, 1, 1), "f"), [1, 2, 2, 1], "VALID"),
         [[[[X[:2, :2].sum()], [X[:2, 2:].sum()]]]]),
        (lambda: tf.nn.conv1d(X[None], np.ones((1, 4, 1), "f"), stride=2, padding="SAME"),
         X[None, ::2].sum(-1, keepdims=True)),
        (lambda: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[1, 0, 3], logits=X),
         -np.log((np.exp(X) / np.exp(X).sum(-1, keepdims=True))[[0, 1, 2], [1, 0, 3]])),
        (lambda: tf.cond(tf.constant(True), lambda: X, lambda: Y), X),
        (lambda: tf.while_loop(lambda i: i < 5, lambda i: (i + 1,), [0])[0], 5),
        (lambda: K.mean(K.square(X - Y), axis=-1), ((X - Y) ** 2).mean(-1)),
        (lambda: K.clip(X, -1.0, 0.5), X.clip(-1, 0.5)),
        (lambda: K.hard_sigmoid(X), (0.2 * X + 0.5).clip(0, 1)),
        (lambda: K.batch_flatten(X.reshape(3, 2, 2)), X),
        (lambda: K.concatenate([X, Y]), np.concatenate([X, Y], -1)),
    ],
)  # fmt: skip
def test_value(came: Any, wanted: Any) -> None:
    np.testing.assert_allclose(came(), wanted, rtol=2e-5, atol=2e-6)


def test_symbolic_tensors_are_recorded() -> None:
    x = trivium.Input((4,))
    y = tf.reduce_mean(tf.concat([tf.nn.relu(x), tf.square(x)], axis=1), axis=1, keepdims=True)
    model = trivium.Model(x, tf.math.l2_normalize(y * 2.0, axis=-1) + tf.split(x, 4, axis=1)[0])
    assert model.output_shape == (None, 1)
    mean = np.concatenate([X.clip(0), X**2], 1).mean(1, keepdims=True)
    np.testing.assert_allclose(model(X), np.sign(mean) + X[:, :1], rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tf.reduce_mean(X, axs=1), "tf.reduce_mean: .*'axs'.* Did you mean 'axis'"),
        (lambda: tf.reduce_mean(), "missing a required argument: 'input_tensor'"),
        (lambda: tf.transpose(X, conjugate=True), "tf.transpose: conjugate=True is not covered"),
        (lambda: tf.math.bincount([0], maxlength=3), "maxlength=3 is not covered; None is"),
        (lambda: tf.boolean_mask(X, [True], axis=1), "axis=1 is not covered"),
        (lambda: tf.linalg.diag(X, k=1), "k=1 is not covered"),
        (lambda: tf.nn.conv2d(X, X, 1, [[0, 0]]), "padding=.* is not covered"),
        (lambda: tf.nn.max_pool(X[None, ..., None], 2, 2, "SAME", "NCHW"), "NHWC"),
        (lambda: tf.device("/TPU:3"), "JAX_PLATFORMS"),
    ],
)
def test_arguments_that_are_not_covered(call: Any, words: str) -> None:
    with pytest.raises(NotCovered, match=words):
        call()


def test_names_are_taken_and_dropped() -> None:
    assert tf.square(2.0, name="four").item() == 4.0
    assert tf.constant(1.0, name="one").item() == 1.0


def test_random_numbers_follow_the_seed() -> None:
    def draws() -> list[Any]:
        tf.random.set_seed(5)
        return [
            tf.random.normal((2, 3), mean=1.0),
            tf.random.uniform([4], maxval=2.0),
            tf.random.uniform([4], 3, 9, dtype=tf.int32),
            tf.random.truncated_normal((5,)),
            tf.random.shuffle(np.arange(6)),
            tf.random.categorical(np.zeros((2, 3), "float32"), 4),
        ]

    for first, again in zip(draws(), draws(), strict=True):
        assert first.shape == again.shape and bool((first == again).all())
    assert not np.array_equal(tf.random.normal((3,)), tf.random.normal((3,)))
    assert tf.random.uniform([50], 3, 9, dtype=tf.int32).max() < 9


def test_random_numbers_inside_a_compiled_layer_differ_from_step_to_step() -> None:
    class Noise(tf.keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            batch, size = tf.shape(inputs)[0], tf.shape(inputs)[1]
            return inputs * 0.0 + tf.random.normal(shape=(batch, size))

    model = tf.keras.Sequential([tf.keras.Input((2,)), Noise()])
    drawn = model.predict(np.zeros((4, 2)), batch_size=2, verbose=0)
    assert len(np.unique(drawn)) == 8 and len(model.non_trainable_variables) == 1


def test_variables() -> None:
    v = tf.Variable([1.0, 2.0], name="v")
    assert isinstance(v, trivium.Variable) and isinstance(trivium.Variable(1.0), tf.Variable)
    assert v.assign_add([1.0, 1.0]).tolist() == [2.0, 3.0]
    assert v.assign_sub([2.0, 2.0]).tolist() == [0.0, 1.0]
    assert v.read_value().tolist() == v.numpy().tolist() == [0.0, 1.0]
    assert not tf.Variable(lambda: tf.zeros(2), trainable=False, dtype=tf.float32).trainable
    K.set_value(v, [5.0, 6.0])
    assert K.get_value(v).tolist() == [5.0, 6.0] and K.variable(3.0).numpy() == 3.0


def test_dtypes() -> None:
    assert tf.constant(1.0).dtype == tf.float32 and tf.constant(1).dtype == tf.int32
    assert tf.cast([1.7], tf.int32).dtype == "int32"
    assert tf.float32.as_numpy_dtype is np.float32 and tf.float32.name == "float32"
    assert tf.float32.min < -1e38 and tf.int8.max == 127
    assert tf.float16.is_floating and tf.int32.is_integer and not tf.bool.is_floating
    assert tf.as_dtype(np.float32) == tf.dtypes.float32 == tf.float32
    assert trivium.layers.Dense(2, dtype=tf.float32).dtype == "float32"
    assert np.zeros(2, tf.float32).dtype == np.float32


def test_shapes() -> None:
    assert tf.shape(X) == (3, 4) and tf.rank(X) == 2 and tf.TensorShape([None, 3]) == (None, 3)
    assert tf.ensure_shape(X, (None, 4)) is X
    with pytest.raises(ValueError, match=r"wanted the shape \(2, None\), got \(3, 4\)"):
        tf.ensure_shape(X, (2, None))


def test_devices_are_those_of_jax() -> None:
    gpus = sum(d.platform == "gpu" for d in jax.devices())
    assert len(tf.config.list_physical_devices("GPU")) == gpus
    assert tf.config.list_physical_devices("CPU")[0].name == "/physical_device:CPU:0"
    assert tf.test.is_gpu_available() == bool(gpus) and bool(tf.test.gpu_device_name()) == bool(
        gpus
    )
    with tf.device(f"/{jax.devices()[0].platform}:0"):
        assert tf.executing_eagerly()


def test_settings_without_a_meaning_are_accepted() -> None:
    tf.config.experimental.set_memory_growth("gpu", True)
    tf.config.threading.set_intra_op_parallelism_threads(2)
    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    tf.get_logger().setLevel("ERROR")
    with tf.name_scope("block") as scope:
        assert scope == "block/"

    @tf.autograph.experimental.do_not_convert
    def double(x: int) -> int:
        return 2 * x

    assert double(2) == 4 and tf.newaxis is None


def test_print(capfd: pytest.CaptureFixture[str]) -> None:
    tf.print("value", tf.constant(2), tf.Variable(3), sep="|")
    jax.jit(lambda x: tf.print("traced", x) or x)(jnp.ones(2))
    jax.effects_barrier()
    assert capfd.readouterr().err == "value|2|3\ntraced [1. 1.]\n"


def test_structures() -> None:
    assert tf.nest.flatten([1, (2, {"a": 3})]) == [1, 2, 3]
    assert tf.nest.map_structure(lambda a, b: a + b, {"a": 1}, {"a": 2}) == {"a": 3}
    spec = tf.TensorSpec((None, 2), tf.int32)
    assert spec.shape == (None, 2) and spec.dtype == "int32"


def test_shapes_have_what_tensors_have_and_stay_shapes() -> None:
    x = tf.ones((2, 3))
    assert tf.rank(x).numpy() == 2 and tf.size(x).numpy() == 6 and tf.shape(x)[1].numpy() == 3
    assert tf.shape(x).numpy().tolist() == [2, 3] and tf.shape(x) == (2, 3)
    assert (
        [5, 5] - tf.shape(x) == (3, 2) and tf.shape(x) - 1 == (1, 2) and tf.shape(x) // 2 == (1, 1)
    )
    assert tf.zeros([4] - tf.shape(x)[:1]).shape == (2,)
    assert tf.shape(x) * 2 == 2 * tf.shape(x) == tf.shape(x) + tf.shape(x) == (4, 6)
    one = [1, 1]
    assert tf.shape(x) + tuple(one) == one + tf.shape(x) == (3, 4) and -tf.shape(x)[1:] == (-3,)
    assert (tf.shape(x) / 2).tolist() == [1.0, 1.5] and tf.zeros(tf.shape(x)[:1] * 2).shape == (4,)
    assert (tf.shape(x) * tf.constant([2, 3])).tolist() == [4, 9] and tf.shape(x) ** 2 % 4 == (0, 1)
    layer = tf.keras.layers.Lambda(
        lambda x: tf.reshape(x, tf.concat([tf.shape(x)[:1], [3, 1]], axis=0))
    )
    model = tf.keras.Sequential([tf.keras.layers.Dense(3), layer])
    assert model.predict(x, verbose=0).shape == (2, 3, 1)


def test_updates_of_the_older_backend() -> None:
    v = K.variable([[1.0, 2.0]])
    K.update_add(v, 2.0)
    K.update_sub(v, 1.0)
    assert v.numpy().tolist() == [[2.0, 3.0]] and K.count_params(v) == 2
    K.batch_set_value([(v, [[5.0, 6.0]])])
    K.update(v, v * 2)
    assert v.numpy().tolist() == [[10.0, 12.0]]
    assert K.is_keras_tensor(tf.keras.Input((3,))) and not K.is_keras_tensor(X)


def test_where_images_have_their_channels() -> None:
    assert K.image_data_format() == "channels_last"
    K.set_image_data_format("channels_first")
    try:
        assert tf.keras.layers.MaxPooling2D()(np.ones((1, 3, 4, 4))).shape == (1, 3, 2, 2)
        # TensorFlow's own functions have a default of their own.
        assert tf.nn.max_pool2d(np.ones((1, 4, 4, 3)), 2, 2, "SAME").shape == (1, 2, 2, 3)
    finally:
        K.set_image_data_format("channels_last")


def test_shapes_are_tuples_with_more() -> None:
    import copy
    import pickle

    shape = tf.TensorShape([None, 3])
    assert shape.merge_with([2, None]) == (2, 3) and shape.dims == [None, 3]
    assert (1, *shape) == (1,) + shape and shape + [2] == (None, 3, 2)  # noqa: RUF005
    listed = [1]
    listed += shape  # As JAX does.
    assert listed == [1, None, 3]
    assert {shape: 1}[None, 3] == 1 and shape != [3] and pickle.loads(pickle.dumps(shape)) == shape
    assert copy.deepcopy(shape) == shape and shape.num_elements() is None
    for wrong in (
        lambda: shape.assert_is_compatible_with([2, 4]), lambda: shape.with_rank(1),
        shape.assert_is_fully_defined,
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"Shape.*\(None, 3\)"):
            wrong()
