"""Sessions: what one thread sets disturbs no other."""

import threading

import numpy as np

import trivium as tv
from trivium.state.session import own_session, session

X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")


def in_threads(work, count=4):
    results = [None] * count
    start = threading.Barrier(count)

    def run(i):
        start.wait()
        results[i] = work(i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def network(seed):
    tv.utils.set_random_seed(seed)
    model = tv.Sequential(
        [tv.Input((3,)), tv.layers.Dense(4), tv.layers.Dropout(0.3), tv.layers.Dense(3)]
    )
    model.compile("sgd", "mse")
    model.fit(X, X, batch_size=8, epochs=1, verbose=0)
    return model.weights_sha256(), model.name, [layer.name for layer in model.layers]


def test_four_threads_with_one_seed_train_one_network():
    assert len(set(map(str, in_threads(lambda i: network(5))))) == 1
    assert in_threads(lambda i: network(5))[0][0] == network(5)[0]


def test_four_threads_with_four_seeds_train_what_each_trains_alone():
    assert [r[0] for r in in_threads(network)] == [network(i)[0] for i in range(4)]


def test_a_setting_is_a_threads_own():
    def work(i):
        tv.config.set_floatx(["float16", "float32"][i % 2])
        tv.config.set_dtype_policy(["mixed_bfloat16", "float32"][i % 2])
        return tv.config.floatx(), tv.layers.Dense(1).dtype_policy.name

    before = tv.config.floatx(), tv.config.dtype_policy().name
    assert in_threads(work) == [("float16", "mixed_bfloat16"), ("float32", "float32")] * 2
    assert (tv.config.floatx(), tv.config.dtype_policy().name) == before


def test_a_thread_that_sets_nothing_reads_the_processs():
    tv.utils.set_random_seed(11)
    assert in_threads(lambda i: session().seed) == [11] * 4
    assert in_threads(lambda i: own_session() is session()) == [True] * 4
    assert own_session() is session()
