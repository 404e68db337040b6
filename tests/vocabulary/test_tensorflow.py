from __future__ import annotations

import re

from vocabulary import tensorflow
from vocabulary.reasons import DIFFERENT

from trivium.compat import names, vocabulary
from trivium.compat.instead import INSTEAD

FOUND = tensorflow.names()


def test_the_page_is_up_to_date() -> None:
    assert tensorflow.PAGE.read_text() == tensorflow.page(FOUND), (
        "write it anew: PYTHONPATH=src:tests/support python -m vocabulary"
    )


def test_the_overview_has_its_counts() -> None:
    text = tensorflow.OVERVIEW.read_text()
    assert all(text.count(mark) == 1 for mark in tensorflow.MARKS)
    assert text == tensorflow.with_counts(text, FOUND)


def test_whatever_is_refused_has_something_instead() -> None:
    for name in FOUND:
        assert name.runs or name.instead, f"{name.module}.{name.name}"


def test_no_remedy_is_for_a_name_that_is_not_there_or_runs() -> None:
    refused = {f"{n.module}.{n.name}" for n in FOUND if not n.runs}
    for path in INSTEAD:
        assert any(f"{name}.".startswith(f"{path}.") for name in refused) or names.is_module(
            path
        ), path


def test_each_name_is_one_of_three_things() -> None:
    assert len(FOUND) > 1000
    for name in FOUND:
        assert not (name.difference and not name.runs)
        assert not (name.instead and name.runs)
    assert sum(name.runs for name in FOUND) > 0.5 * len(FOUND)


def test_differences_are_of_names_that_run() -> None:
    modules = {name.module for name in FOUND if name.runs}
    for path in DIFFERENT:
        around = any(f"{module}.".startswith(f"{path}.") for module in modules)
        assert around or vocabulary.find(path) is not vocabulary.MISSING, path
        assert names.known(path), path


def test_the_counts_add_up() -> None:
    rows = re.findall(
        r"^\| `tf.*?\| (\d+) \| (\d*) \| (\d*) \| (\d*) \|$", tensorflow.page(FOUND), re.M
    )
    for names_in_all, *parts in rows:
        assert int(names_in_all) == sum(int(part or 0) for part in parts)
    assert len(rows) > 30
