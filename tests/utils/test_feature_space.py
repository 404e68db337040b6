"""`FeatureSpace`: the numbers of Keras's, any kind of table, models that take raw columns, files, bad tables."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from oracle import both, recorded

import trivium as tv
from trivium import layers as L

TABLE = {
    "age": [20.0, 30.0, 40.0, 50.0, 31.0],
    "town": ["b", "a", "b", "c", "b"],
    "kind": [7, 7, 9, 1, 9],
    "number": [123, 4, 5, 6, 4],
    "word": ["x", "y", "z", "zz", "x"],
    "rooms": [1.0, 2.0, 3.0, 4.0, 2.0],
    "share": [0.1, 0.5, 0.7, 0.2, 0.9],
    "plain": [0.5, 0.25, 1.0, 2.0, 4.0],
}
COLUMNS = {name: np.array(values) for name, values in TABLE.items()}
ROWS = [{name: values[i] for name, values in TABLE.items()} for i in range(5)]


def made(library, **more):
    space = library.utils.FeatureSpace
    features = {
        "age": "float_normalized",
        "town": "string_categorical",
        "kind": "integer_categorical",
        "number": space.integer_hashed(4, name="number"),
        "word": space.string_hashed(3, name="word"),
        "rooms": space.float_rescaled(0.5, 1.0, name="rooms"),
        "share": space.float_discretized(3, name="share"),
        "plain": "float",
    }
    crosses = [("town", "kind"), space.cross(("share", "town"), 8)]
    return space(features, crosses=crosses, crossing_dim=6, **more)


def adapted(library=tv, **more):
    space = made(library, **more)
    space.adapt(TABLE)
    return space


SPACE = adapted()
WANTED = np.asarray(SPACE(TABLE))


def plain(config):
    """Return a config as a file holds it."""
    return json.loads(json.dumps(config))


def test_vectors_are_those_of_keras():
    def use(library):
        space = adapted(library)
        return space(TABLE), space(ROWS[1]), space.get_encoded_features().shape

    ours, theirs = both(use)
    for mine, wanted in zip(ours[:2], theirs[:2], strict=True):
        assert mine.dtype == wanted.dtype
        np.testing.assert_allclose(mine, wanted, atol=1e-6)
    assert tuple(ours[2]) == tuple(theirs[2])


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64")  # Of Keras.
def test_a_dict_of_them_is_that_of_keras():
    def use(library):
        space = library.utils.FeatureSpace
        features = {
            "town": space.string_categorical(max_tokens=3, num_oov_indices=2, output_mode="int"),
            "kind": space.integer_categorical(output_mode="int"),
            "age": "float_discretized",
            "word": "string_hashed",
        }
        crosses = [space.cross(("town", "kind"), 32, output_mode="int")]
        table = {name: TABLE[name] for name in features}
        space = space(features, "dict", crosses, hashing_dim=4, num_discretization_bins=2)
        space.adapt(table)
        return space(table)

    ours, theirs = both(use)
    assert list(ours) == list(theirs)
    for name, wanted in theirs.items():
        np.testing.assert_array_equal(ours[name], wanted)


def test_configs_are_those_of_keras():
    """But for the name, without which a layer in a graph would be another one, and what nothing is built for."""
    theirs = recorded(lambda keras: plain(keras.utils.serialize_keras_object(made(keras))))
    ours = plain(tv.utils.serialize_keras_object(made(tv)))

    def common(config):
        if isinstance(config, list):
            return [common(c) for c in config]
        if not isinstance(config, dict):
            return config
        return {k: common(v) for k, v in config.items() if k != "build_config"}

    assert ours["config"].pop("name").startswith("feature_space")
    # Keras prepares plain floats with a layer that has no public name.
    identity = {"module": "keras.layers", "class_name": "Identity", "registered_name": None}
    wanted = copy.deepcopy(theirs)
    wanted["config"]["features"]["plain"]["config"]["preprocessor"].update(identity)
    assert common(ours) == common(wanted)
    space = tv.utils.deserialize_keras_object(theirs)
    assert [f.dtype for f in space.features.values()] == [f.dtype for f in SPACE.features.values()]


TABLES = {
    "pandas": lambda: pd.DataFrame(TABLE),
    "pandas, categories": lambda: pd.DataFrame(TABLE).astype({"town": "category", "kind": "Int64"}),
    "records": lambda: pd.DataFrame(COLUMNS).to_records(index=False),
    "arrays": lambda: COLUMNS,
}


@pytest.mark.parametrize("kind", TABLES)
def test_any_kind_of_table(kind):
    table = TABLES[kind]()
    space = made(tv)
    space.adapt(table)
    np.testing.assert_allclose(space(table), WANTED, rtol=1e-6)


def rows():
    return tv.data.Dataset.from_tensor_slices(COLUMNS)


@pytest.mark.parametrize(
    "data",
    [
        rows,
        lambda: rows().batch(2),
        lambda: rows().map(lambda x: (x, x["age"])).batch(3),
        lambda: [{n: v[i : i + 2] for n, v in COLUMNS.items()} for i in (0, 2, 4)],
        lambda: (pd.DataFrame(TABLE).iloc[i : i + 3] for i in (0, 3)),
        lambda: iter(ROWS),
        lambda: pd.DataFrame({**TABLE, "unused": 0}),
    ],
    ids=["rows", "batches", "pairs", "list", "frames", "dicts of values", "more columns"],
)
def test_batches_are_the_whole(data):
    space = made(tv)
    space.adapt(data())
    np.testing.assert_allclose(space(TABLE), WANTED, rtol=1e-6)


def test_a_file_is_read_in_pieces(tmp_path):
    pd.DataFrame({**TABLE, "price": 1.0}).to_csv(tmp_path / "houses.csv", index=False)
    data = tv.data.from_csv(str(tmp_path / "houses.csv"), label="price")
    space = made(tv)
    space.adapt(data)
    np.testing.assert_allclose(space(TABLE), WANTED, rtol=1e-6)
    found, _ = next(iter(data.map(lambda x, y: (space(x), y)).batch(5)))
    np.testing.assert_allclose(found, WANTED, rtol=1e-6)


def test_in_a_pipeline_of_data_as_alone():
    for dataset in (rows().map(SPACE).batch(5), rows().batch(5).map(SPACE)):
        np.testing.assert_allclose(next(iter(dataset)), WANTED, rtol=1e-6)


def test_it_is_copied_and_pickled():
    for other in (copy.deepcopy(SPACE), pickle.loads(pickle.dumps(SPACE))):
        np.testing.assert_array_equal(other(TABLE), WANTED)


def test_it_is_saved_and_loaded(tmp_path):
    SPACE.save(tmp_path / "space.keras")
    space = tv.saving.load_model(tmp_path / "space.keras")
    np.testing.assert_array_equal(space(TABLE), WANTED)
    assert space.preprocessors["town"].get_vocabulary() == ["[UNK]", "b", "c", "a"]


class Prices(tv.Model):
    """A class of one's own, with a space in it."""

    def __init__(self, space):
        super().__init__()
        self.space, self.head = space, L.Dense(1)

    def call(self, table):
        """Return a price for each row."""
        return self.head(self.space(table))


def taken_apart():
    return tv.Model(SPACE.get_inputs(), L.Dense(1)(SPACE.get_encoded_features()))


def as_a_layer():
    inputs = SPACE.get_inputs()
    return tv.Model(inputs, L.Dense(1)(SPACE(inputs)))


def first_of_a_stack():
    return tv.Sequential([SPACE, L.Dense(1)])


@pytest.mark.parametrize(
    "write", [taken_apart, as_a_layer, first_of_a_stack, lambda: Prices(SPACE)]
)
def test_models_take_raw_columns(write, tmp_path):
    model = write()
    model.compile("sgd", "mse")
    data = rows().map(lambda x: (x, x["age"][None])).batch(5) if write is as_a_layer else COLUMNS
    model.fit(data, None if write is as_a_layer else np.ones((5, 1)), verbose=0)
    kernel, bias = model.get_weights()[-2:]
    wanted = WANTED @ kernel + bias
    model.save(tmp_path / "m.keras")
    other = tv.saving.load_model(tmp_path / "m.keras", custom_objects={"Prices": Prices})
    for asked, table in ((model, COLUMNS), (model, dict(pd.DataFrame(TABLE))), (other, COLUMNS)):
        got = asked.predict(table, verbose=0)
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


def test_a_layer_of_your_own_choice_prepares_a_column():
    space = tv.utils.FeatureSpace
    space = space(
        {
            "kind": space.feature("int32", L.CategoryEncoding(10, "one_hot"), "float"),
            "age": space.feature("float32", L.Normalization(mean=30.0, variance=4.0), "float"),
            "share": space.float_discretized(None, bin_boundaries=[0.5]),
        }
    )
    table = {name: TABLE[name] for name in space.features}
    wanted = [(np.array(TABLE["age"])[:, None] - 30) / 2, np.eye(10)[TABLE["kind"]]]
    wanted.append(np.eye(2)[(np.array(TABLE["share"]) >= 0.5).astype(int)])
    # Nothing has to be learned, so nothing has to be adapted.
    np.testing.assert_allclose(space(table), np.concatenate(wanted, -1))


def test_it_can_be_written_as_a_program():
    space = tv.utils.FeatureSpace({"age": "float_normalized", "share": "float_discretized"})
    space.adapt({name: TABLE[name] for name in space.features})
    inputs = space.get_inputs()
    text = str(tv.source(tv.Model(inputs, space(inputs))))
    assert "from trivium.utils.feature_space.features import Feature\n" in text
    names = {"__name__": "program"}
    exec(compile(text, "program", "exec"), names)
    assert names["model"].output_shape == (None, 33)


def without(name, table=TABLE):
    return {k: v for k, v in table.items() if k != name}


@pytest.mark.parametrize(
    ("features", "kwargs", "words"),
    [
        ({}, {}, "name one column"),
        (["age"], {}, "a dict of features"),
        ({"age": "float_normalised"}, {}, "'age' is of the unknown kind 'float_normalised'. Did you"),
        ({"age": 3}, {}, "'age' is a kind"),
        ({"age": "float"}, {"output_mode": "dicts"}, "Did you mean 'dict'"),
        ({"age": "float"}, {"crosses": [("age", "kind")]}, "'age', which gives floats"),
        ({"kind": "integer_hashed"}, {"crosses": [("kind", "kid")]}, "'kid' that there is not. Did you mean 'kind'"),
        ({"kind": "integer_hashed"}, {"crosses": ["kind"]}, "by their names in a tuple"),
        ({"kind": "integer_hashed"}, {"hashing_dim": 0}, "hashing_dim"),
        ({"age": tv.utils.FeatureSpace.float_discretized(2, output_mode="int")}, {}, "'age' gives int32"),
    ],
)  # fmt: skip
def test_spaces_that_are_none(features, kwargs, words):
    with pytest.raises((ValueError, TypeError), match=words):
        tv.utils.FeatureSpace(features, **kwargs).adapt({"age": [1.0, 2.0]})


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (without("age"), "without the column 'age'"),
        ({**without("age"), "Age": [1.0]}, "without the column 'age'. Did you mean 'Age'"),
        ({**TABLE, "age": [1.0, None, 3.0, 4.0, 5.0]}, "'age' has 1 missing values"),
        (
            {**TABLE, "age": [1.0, 2.0, 3.0, np.nan, np.nan]},
            "'age' has 2 missing values .* first in row 3",
        ),
        (pd.DataFrame({**TABLE, "town": ["a", None, "b", "b", "c"]}), "`town` holds .* at .1"),
        ({**TABLE, "age": ["a"] * 5}, "'age' is to hold numbers .float32.; got 'a'"),
        ({**TABLE, "town": [1] * 5}, "'town' is to hold text; got 1"),
        ({**TABLE, "kind": [1.5] * 5}, "'kind' is to hold whole numbers; got 1.5"),
        ({**TABLE, "kind": [2**40] * 5}, "'kind' has numbers .* beyond what int32 holds"),
        ({**TABLE, "kind": [1, 2]}, "'kind' has 2 rows, and 'age' has 5"),
        ([1, 2], "is called on a table|takes tables"),
    ],
)
def test_tables_that_do_not_fit(table, words):
    space = adapted()
    for use in (space, space.adapt):
        with pytest.raises((ValueError, TypeError), match=words):
            use(table)
        np.testing.assert_array_equal(space(TABLE), WANTED)


def test_what_was_not_adapted_says_so():
    space = made(tv)
    for use in (lambda: space(TABLE), space.get_inputs, space.get_encoded_features):
        with pytest.raises(
            ValueError, match=r"has to learn from data first.*'age', 'town', 'kind', 'share'"
        ):
            use()
    with pytest.raises(ValueError, match="there is no feature for the column 'price'"):
        SPACE({**TABLE, "price": [1.0] * 5})
    for nothing in ([], {name: [] for name in TABLE}):
        with pytest.raises(ValueError, match="given no data"):
            space.adapt(nothing)
