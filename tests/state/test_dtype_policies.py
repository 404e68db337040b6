"""Dtype policies that quantize, and policies by path, as Keras has them."""

import copy
import json
import pickle

import numpy as np
import pytest
from oracle import both, recorded

import trivium as tv
from trivium import dtype_policies

NAMES = [
    "float32", "mixed_bfloat16", "int8_from_float32", "int8_from_mixed_bfloat16", "float8_from_mixed_float16",
    "int4_from_float32", "int4/64_from_float32", "int4/-1_from_bfloat16", "gptq/4/128_from_float32",
    "awq/4/128_from_float32",
]  # fmt: skip


def described(library, policy):
    return {
        "class": type(policy).__name__,
        "name": policy.name,
        "dtypes": [policy.compute_dtype, policy.variable_dtype],
        "mode": policy.quantization_mode,
        "config": policy.get_config(),
        "written": library.dtype_policies.serialize(policy),
    }


@pytest.mark.parametrize("name", NAMES)
def test_policies_by_name_are_those_of_keras(name):
    ours, theirs = both(lambda library: described(library, library.dtype_policies.get(name)))
    assert ours == theirs
    policy = dtype_policies.get(name)
    again = dtype_policies.deserialize(json.loads(json.dumps(ours["written"])))
    assert again == policy and hash(again) == hash(policy) and type(again) is type(policy)
    assert copy.copy(policy) == pickle.loads(pickle.dumps(policy)) == policy
    assert [n for n in NAMES if dtype_policies.get(n) == policy] == [name]


def test_the_classes_take_what_those_of_keras_take():
    def made(library):
        p = library.dtype_policies
        return [
            described(library, policy)
            for policy in (
                p.QuantizedDTypePolicy("int8"),
                p.QuantizedDTypePolicy("float8", "mixed_bfloat16"),
                p.QuantizedFloat8DTypePolicy("float8", "float32", 16),
                p.Int4DTypePolicy("int4/32", "float32"),
                p.FloatDTypePolicy("float16"),
            )
        ]

    ours, theirs = both(made)
    assert ours == theirs


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: dtype_policies.get("int8"), "'int8_from_float32'"),
        (lambda: dtype_policies.get("foo_from_float32"), "Unknown dtype"),
        (lambda: dtype_policies.get("int8_from_float33"), "Unknown dtype 'float33'"),
        (lambda: dtype_policies.get("int8_from_float16"), "float16 holds"),
        (lambda: dtype_policies.get("int4/0_from_float32"), "'int4/128'"),
        (lambda: dtype_policies.get("int8/4_from_float32"), "'int8', 'int4' or 'float8'"),
        (lambda: dtype_policies.QuantizedDTypePolicy("int7"), "'int8', 'int4' or 'float8'; got 'int7'"),
        (lambda: dtype_policies.QuantizedFloat8DTypePolicy("int8"), "`mode` is 'float8'"),
        (lambda: dtype_policies.QuantizedFloat8DTypePolicy("float8", None, 0), "above zero; got 0"),
        (lambda: dtype_policies.Int4DTypePolicy("int4"), "'int4/128'"),
        (lambda: dtype_policies.GPTQDTypePolicy("gptq"), "'gptq/4/128'"),
        (lambda: dtype_policies.AWQDTypePolicy("awq/8/128"), "'awq/4/128'"),
    ],
    ids=range(12),
)  # fmt: skip
def test_other_policies_are_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


class TestPoliciesByPath:
    @pytest.fixture
    def policies(self):
        policies = dtype_policies.DTypePolicyMap("float32", {"net/first": "bfloat16"})
        policies["net/block/.*"] = dtype_policies.get("int8_from_float32")
        return policies

    def test_a_path_counts_before_an_expression_and_the_default_last(self, policies):
        policies["net/block/last"] = "float16"
        asked = ["net/first", "net/block/a", "net/block/last", "net/first/inner", "other"]
        assert [policies[path].name for path in asked] == [
            "bfloat16", "int8_from_float32", "float16", "float32", "float32",
        ]  # fmt: skip
        assert len(policies) == 3 and "net/first" in policies and "other" not in policies
        del policies["net/first"]
        assert policies["net/first"].name == "float32"

    def test_lookups_are_those_of_keras(self):
        def looked_up(library):
            p = library.dtype_policies
            policies = p.DTypePolicyMap(p.DTypePolicy("float32"))
            policies["a/.*"] = p.DTypePolicy("float16")
            policies["a/b"] = p.DTypePolicy("bfloat16")
            config = library.dtype_policies.serialize(policies)
            return (
                policies.name,
                config,
                [policies[k].name for k in ("a/b", "a/c", "a/b/c", "b/a/c")],
            )

        ours, theirs = both(looked_up)
        assert ours == theirs

    def test_doubtful_keys_are_refused(self, policies):
        with pytest.raises(ValueError, match="'net/first' has the policy"):
            policies["net/first"] = "float32"
        with pytest.raises(TypeError, match="got 3"):
            policies[3] = "float32"
        policies["net/.*/a"] = "float16"
        with pytest.raises(ValueError, match=r"several keys fit .*net/block/a"):
            policies["net/block/a"]

    def test_configs_keep_every_policy(self, policies):
        written = json.loads(json.dumps(dtype_policies.serialize(policies)))
        again = dtype_policies.deserialize(written)
        assert again == policies and again.name == "map_float32"
        assert again["net/block/x"] == dtype_policies.get("int8_from_float32")
        assert again != dtype_policies.DTypePolicyMap("float32")
        assert dtype_policies.DTypePolicyMap().get_config()["default_policy"] is None

    def test_layers_take_the_policy_at_their_path(self, policies):
        class Net(tv.Model):
            def __init__(self):
                super().__init__(name="net", dtype=policies)
                self.first = tv.layers.Dense(2, name="first", dtype=policies)
                self.last = tv.layers.Dense(2, name="last", dtype=policies)

            def call(self, inputs):
                return self.last(self.first(inputs))

        net = Net()
        assert net(np.ones((1, 3), "float32")).dtype == "float32"
        assert [net.first.compute_dtype, net.last.compute_dtype] == ["bfloat16", "float32"]
        assert net.first.kernel.dtype == "bfloat16" and net.last.kernel.dtype == "float32"
        config = net.first.get_config()
        assert tv.layers.Dense.from_config(config).dtype_policy == policies


def test_the_default_policy_may_be_a_map():
    policies = dtype_policies.DTypePolicyMap("float32", {"half": "float16"})
    tv.config.set_dtype_policy(policies)
    layers = tv.layers.Dense(2, name="half"), tv.layers.Dense(2, name="full")
    assert [layer.compute_dtype for layer in layers] == ["float16", "float32"]


def test_keras_has_the_same_classes():
    theirs = recorded(lambda keras: sorted(n for n in dir(keras.dtype_policies) if n[:1] != "_"))
    assert sorted(dtype_policies.__all__) == theirs
