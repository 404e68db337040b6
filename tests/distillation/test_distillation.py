"""Distillation: what compares student and teacher, and the model that trains the one beside the other."""

from __future__ import annotations

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both, recorded

import trivium as tv
from trivium import layers
from trivium.distillation import (
    DistillationLoss,
    Distiller,
    FeatureDistillation,
    LogitsDistillation,
)

TEACHER = np.array([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]], "float32")
STUDENT = np.array([[0.0, 2.0, 1.0], [0.0, 1.0, 3.0]], "float32")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(10, 4)).astype("float32")
Y = np.arange(10) % 3
FROM_LOGITS = tv.losses.SparseCategoricalCrossentropy(from_logits=True)


def stack(lib, units, name, act=None, scale=1.0):
    """A network whose weights are the same in both libraries."""
    model = lib.Sequential(
        [
            lib.Input((4,)),
            lib.layers.Dense(units, "relu", name="hidden"),
            lib.layers.Dense(3, act, name="out"),
        ],
        name=name,
    )
    for layer in model.layers:
        rng = np.random.default_rng(units)
        layer.set_weights([scale * rng.normal(size=w.shape) for w in layer.weights])
    return model


# -- the losses ---------------------------------------------------------------------------------------------------


def test_what_compares_no_probabilities_gives_what_keras_gives():
    def values(lib):
        d = lib.distillation
        two, other = [TEACHER, 2 * TEACHER], [STUDENT, STUDENT]
        return [
            d.LogitsDistillation(2.0, "mse").compute_loss(TEACHER, STUDENT),
            d.LogitsDistillation(loss=lib.losses.Huber(reduction="sum")).compute_loss(
                TEACHER, STUDENT
            ),
            d.LogitsDistillation(loss=["mse", None]).compute_loss(two, other),
            d.LogitsDistillation(loss={"a": "mae", "b": "mse"}).compute_loss(
                {"a": TEACHER, "b": two[1]}, {"a": STUDENT, "b": STUDENT}
            ),
            d.FeatureDistillation().compute_loss(TEACHER, STUDENT),
            d.FeatureDistillation(["cosine_similarity", "mae"]).compute_loss(two, other),
        ]

    np.testing.assert_allclose(*both(values), rtol=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_probabilities_are_those_of_the_definition(temperature):
    """Hinton et al. compare the softmax of the divided logits; Keras compares the divided logits themselves."""

    def definition(keras):
        soft = [keras.ops.softmax(z / temperature) for z in (TEACHER, STUDENT)]
        sure = [keras.ops.sigmoid(z / temperature) for z in (TEACHER, STUDENT)]
        return [
            keras.losses.KLDivergence()(*soft),
            keras.losses.CategoricalCrossentropy()(*soft),
            keras.losses.BinaryCrossentropy()(*sure),
        ]

    cross = tv.losses.CategoricalCrossentropy
    kl, given, binary = recorded(definition)
    for loss, wanted in [
        ("kl_divergence", kl),
        (tv.losses.KLDivergence(), kl),
        ("categorical_crossentropy", given),
        (cross(from_logits=True), given),
        ("binary_crossentropy", binary),
    ]:
        ours = LogitsDistillation(temperature, loss).compute_loss(TEACHER, STUDENT)
        np.testing.assert_allclose(ours, wanted, rtol=1e-5)


def test_a_hopelessly_wrong_student_still_gets_a_gradient():
    loss = LogitsDistillation(temperature=1.0)
    gradient = jax.grad(
        lambda z: loss.compute_loss(jnp.array([[200.0, 0.0]]), z),
    )(jnp.array([[0.0, 200.0]]))
    np.testing.assert_allclose(gradient, [[-1.0, 1.0]], atol=1e-6)


def test_configs_are_those_of_keras():
    def configs(lib):
        d = lib.distillation
        made = [
            d.LogitsDistillation(),
            d.FeatureDistillation(["mse", None], "a", "b"),
            d.LogitsDistillation(2.0, lib.losses.Huber()),
        ]
        return [lib.saving.serialize_keras_object(x) for x in made]

    ours, theirs = both(configs)
    assert ours == theirs
    for config in theirs:
        again = tv.saving.deserialize_keras_object(config)
        assert tv.saving.serialize_keras_object(again) == config


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: LogitsDistillation(temperature=0), "temperature is a number above zero; got 0"),
        (lambda: LogitsDistillation(temperature="3"), "temperature is a number"),
        (lambda: LogitsDistillation(loss=[None]), "one loss at least"),
        (lambda: FeatureDistillation(loss="mze"), "'mse'"),
        (lambda: DistillationLoss().compute_loss(X, X), "no `compute_loss"),
        (
            lambda: LogitsDistillation().compute_loss([TEACHER] * 2, [STUDENT] * 2),
            "give a loss for each",
        ),
        (
            lambda: FeatureDistillation({"a": "mse"}).compute_loss({"b": X}, {"b": X}),
            r"a dict of \['a'\]",
        ),
    ],
)
def test_what_is_wrong_with_a_loss_is_said(make, says):
    with pytest.raises((ValueError, NotImplementedError), match=says):
        make()


# -- the distiller ------------------------------------------------------------------------------------------------


def test_training_gives_what_keras_gives():
    def train(lib):
        d = lib.distillation
        distiller = d.Distiller(
            stack(lib, 6, "teacher"),
            stack(lib, 6, "student", scale=0.5),
            [d.LogitsDistillation(2.0, "mse"), d.FeatureDistillation("mae", "hidden", "hidden")],
            [4.0, 0.5],
            student_loss_weight=0.25,
        )
        loss = lib.losses.SparseCategoricalCrossentropy(from_logits=True)
        distiller.compile(lib.optimizers.SGD(0.1), loss, metrics=["accuracy"])
        history = distiller.fit(X, Y, epochs=3, batch_size=5, shuffle=False, verbose=0).history
        config = distiller.get_config()
        config = {k: config[k] for k in config if k not in ("teacher", "student")}
        return history, distiller.predict(X, verbose=0), config

    (ours, ours_given, our_config), (theirs, theirs_given, their_config) = both(train)
    assert ours.keys() == theirs.keys()
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=2e-5, err_msg=name)
    np.testing.assert_allclose(ours_given, theirs_given, rtol=2e-4, atol=1e-5)
    assert our_config == their_config


@tv.saving.register_keras_serializable("distillation")
class Written(tv.Model):
    """The same network as `in_style` has, by subclassing."""

    def __init__(self, units, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.hidden = layers.Dense(units, "relu", name="hidden")
        self.guide = layers.Dense(5, name="guide")
        self.drop = layers.Dropout(0.3)
        self.norm = layers.BatchNormalization()
        self.out = layers.Dense(3, "softmax", name="out")

    def call(self, x):
        return self.out(self.norm(self.drop(self.guide(self.hidden(x)))))


def in_style(style, units, name):
    if style == "subclass":
        model = Written(units, name=name)
        model.build((None, 4))
        return model
    made = [
        layers.Dense(units, "relu", name="hidden"),
        layers.Dense(5, name="guide"),
        layers.Dropout(0.3),
        layers.BatchNormalization(),
        layers.Dense(3, "softmax", name="out"),
    ]
    if style == "sequential":
        return tv.Sequential([tv.Input((4,)), *made], name=name)
    x = y = tv.Input((4,))
    for layer in made:
        y = layer(y)
    return tv.Model(x, y, name=name)


def trained(style, eager):
    tv.utils.set_random_seed(1)
    distiller = Distiller(
        in_style(style, 16, "teacher"),
        in_style(style, 8, "student"),
        [LogitsDistillation(2.0), FeatureDistillation("mse", "guide", "guide")],
        [4.0, 0.5],
        student_loss_weight=0.3,
    )
    distiller.compile("adam", "sparse_categorical_crossentropy", run_eagerly=eager)
    before = distiller.teacher.weights_sha256()
    history = distiller.fit(X, Y, batch_size=5, verbose=0).history
    assert distiller.teacher.weights_sha256() == before
    return distiller, history


@pytest.fixture(scope="module")
def plain():
    return trained("functional", eager=False)


@pytest.mark.parametrize("style", ["sequential", "subclass"])
def test_the_bits_are_the_same_in_all_styles(plain, style):
    """With Dropout and BatchNormalization: what layers give is noted in the one pass, not in a second."""
    distiller, history = trained(style, eager=False)
    assert distiller.student.weights_sha256() == plain[0].student.weights_sha256()
    assert history == plain[1]


@pytest.mark.parametrize("style", ["functional", "subclass"])
def test_an_eager_step_computes_the_same(plain, style):
    """Up to the rounding of fused code."""
    _, history = trained(style, eager=True)
    for name, values in plain[1].items():
        np.testing.assert_allclose(history[name], values, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("way", ["file", "copy", "pickle", "config"])
def test_a_distiller_is_kept(plain, way, tmp_path):
    distiller, _ = plain
    if way == "file":
        distiller.save(tmp_path / "distiller.keras")
        again = tv.models.load_model(tmp_path / "distiller.keras")
    elif way == "copy":
        again = copy.copy(distiller)
    elif way == "pickle":
        again = pickle.loads(pickle.dumps(distiller))
    else:
        again = Distiller.from_config(distiller.get_config())
        again.build((None, 4))
        again.set_weights(distiller.get_weights())
        again.compile("adam", "sparse_categorical_crossentropy")
    assert not again.teacher.trainable and again.student is not distiller.student
    assert again.evaluate(X, Y, verbose=0) == distiller.evaluate(X, Y, verbose=0)


def test_outputs_of_a_softmax_are_taken_back_to_logits():
    logs = []
    for act in (None, "softmax"):
        distiller = Distiller(
            stack(tv, 6, "t", act), stack(tv, 4, "s", act), LogitsDistillation(4.0)
        )
        distiller.compile("sgd")
        logs.append(distiller.fit(X, verbose=0).history["distillation_loss"])
    np.testing.assert_allclose(*logs, rtol=1e-6)
    assert logs[0][0] > 0.01


@pytest.mark.parametrize("eager", [False, True])
def test_masked_steps_do_not_count(eager):
    def network(units, name):
        words = tv.Input((6,), dtype="int32")
        x = layers.Embedding(5, units, mask_zero=True)(words)
        x = layers.SimpleRNN(4, return_sequences=True, name="rnn")(x)
        return tv.Model(words, layers.Dense(3)(x), name=name)

    teacher, student = network(6, "t"), network(3, "s")
    words = np.random.default_rng(0).integers(1, 5, (4, 6))
    words[:, 3:] = 0
    compared = [LogitsDistillation(2.0), FeatureDistillation("mse", "rnn", "rnn")]
    wanted = []
    for loss, at in zip(compared, (-1, -2), strict=True):
        given = [
            tv.Model(m.input, m.layers[at].output).predict(words, verbose=0)[:, :3]
            for m in (teacher, student)
        ]
        wanted.append(float(loss.compute_loss(*given)))
    distiller = Distiller(teacher, student, compared)
    distiller.compile(run_eagerly=eager)
    logs = distiller.evaluate(words, verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["distillation_loss"], sum(wanted), rtol=1e-5)


def test_several_outputs_penalties_and_weights_of_samples():
    def network(units, name):
        x = tv.Input((4,))
        h = layers.Dense(units, name="h", kernel_regularizer="l2")(x)
        outputs = {"a": layers.Dense(3, name="a")(h), "b": layers.Dense(1, "sigmoid", name="b")(h)}
        return tv.Model(x, outputs, name=name)

    teacher, student = network(5, "t"), network(4, "s")
    loss = LogitsDistillation(2.0, {"a": "kl_divergence", "b": None})
    distiller = Distiller(teacher, student, loss, [3.0], student_loss_weight=0.2)
    distiller.compile("sgd", {"a": FROM_LOGITS, "b": "mse"})
    y = {"a": Y, "b": RNG.normal(size=(10, 1))}
    weight = np.arange(10.0)
    logs = distiller.evaluate(X, y, sample_weight=weight, verbose=0, return_dict=True)
    given = [m.predict(X, verbose=0) for m in (teacher, student)]
    wanted = 3 * LogitsDistillation(2.0).compute_loss(given[0]["a"], given[1]["a"])
    labels = FROM_LOGITS(y["a"], given[1]["a"], weight) + tv.losses.MeanSquaredError()(
        y["b"], given[1]["b"], weight
    )
    penalty = 0.01 * np.sum(np.square(student.get_layer("h").kernel))
    np.testing.assert_allclose(logs["distillation_loss"], wanted, rtol=1e-5)
    np.testing.assert_allclose(logs["student_loss"], labels, rtol=1e-5)
    np.testing.assert_allclose(logs["loss"], 0.2 * labels + 0.8 * wanted + penalty, rtol=1e-5)


class Traced(tv.Model):
    """Code that JAX traces, since it cannot record itself."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.first = layers.Dense(units, name="first")
        self.again = layers.Dense(units, name="again")
        self.last = layers.Dense(3, name="last")

    def call(self, x):
        x = jnp.tanh(self.first(x))
        return self.last(tv.ops.fori_loop(0, 2, lambda i, c: self.again(c), x))


def test_models_of_any_code_that_nobody_built():
    teacher, student = Traced(5, name="t"), Traced(5, name="s")
    distiller = Distiller(teacher, student, FeatureDistillation("mse", "first", "first"))
    distiller.compile("sgd", FROM_LOGITS)
    logs = distiller.evaluate(X, Y, verbose=0, return_dict=True)
    wanted = np.mean(np.square(teacher.first(X) - student.first(X)))
    np.testing.assert_allclose(logs["distillation_loss"], wanted, rtol=1e-5)
    # The same by hand, where the student runs once more.
    np.testing.assert_allclose(distiller.compute_loss(X, Y, student(X)), logs["loss"], rtol=1e-5)
    looped = Distiller(teacher, student, FeatureDistillation("mse", "again", "again"))
    looped.compile("sgd", FROM_LOGITS)
    with pytest.raises(ValueError, match=r"'t' has no call of its layer 'again'.*outside of loops"):
        looped.fit(X, Y, verbose=0)


def test_a_teacher_and_a_student_that_do_not_fit_are_named():
    big, small = stack(tv, 6, "big"), stack(tv, 4, "small")
    other = tv.Sequential([tv.Input((5,)), layers.Dense(2)], name="other")
    late = tv.Sequential([layers.Dense(2)], name="late")
    feature = FeatureDistillation("mse", "hidden", "hidden")
    for student, loss, says in [
        (other, LogitsDistillation(), r"shapes \[\(None, 4\)\] and \[\(None, 5\)\]"),
        (small, feature, r"shape \(None, 6\), the student \(None, 4\)"),
        (small, FeatureDistillation("mse", "hiden"), "Did you mean 'hidden'"),
        (late, LogitsDistillation(), r"shape \(None, 3\), the student \(None, 2\)"),
    ]:
        with pytest.raises(ValueError, match=f"teacher 'big' and student '{student.name}'.*{says}"):
            Distiller(big, student, loss).build((None, 4))


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"teacher": 3}, TypeError, "`teacher` is a model; got 3"),
        ({"distillation_losses": "mse"}, TypeError, "LogitsDistillation, "),
        ({"distillation_loss_weights": [1.0, 2.0]}, ValueError, "each of the 1 distillation"),
        ({"distillation_loss_weights": [-1.0]}, ValueError, "0 or above"),
        ({"student_loss_weight": 2}, ValueError, "from 0 to 1; got 2"),
    ],
)
def test_what_is_wrong_with_an_argument_is_said(change, error, says):
    with pytest.raises(error, match=says):
        Distiller(
            **{
                "teacher": stack(tv, 4, "t"),
                "student": stack(tv, 4, "s"),
                "distillation_losses": LogitsDistillation(),
                **change,
            }
        )


def test_a_teacher_may_be_a_distiller():
    """Its trackers have the same names, and none of them is of this training."""
    first = Distiller(stack(tv, 6, "t"), stack(tv, 5, "s"), LogitsDistillation())
    first.build((None, 4))
    second = Distiller(first, stack(tv, 4, "last"), LogitsDistillation(), student_loss_weight=0.0)
    second.compile("sgd")
    history = second.fit(X, verbose=0).history
    assert history["total_loss"] == history["loss"] and history["loss"][0] > 0


class Centered(DistillationLoss):
    """One of one's own."""

    def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        return jnp.mean(jnp.abs(teacher_outputs - student_outputs))


def test_a_loss_of_ones_own_learns_from_the_teacher_alone():
    teacher, student = stack(tv, 6, "t"), stack(tv, 4, "s")
    distiller = Distiller(teacher, student, Centered(), student_loss_weight=0.0)
    distiller.compile(tv.optimizers.Adam(0.1))
    losses = distiller.fit(X, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
