"""Which tests run in one process: those that share compiled programs, so that each is compiled once.

A file is a group: first those compiled as users' programs are, then the slow ones. Large tables are a group for each
layer or op, and come last: small groups let the processes end together.
"""

from __future__ import annotations

from collections import Counter

import pytest

# The argument whose value names the group, for files too large to be one.
TABLES = {"layers/test_contract.py": "case", "ops/test_against_keras.py": "name"}


def group(item: pytest.Item) -> str:
    """Return the name of a test's group."""
    file = item.path.as_posix()
    for table, argument in TABLES.items():
        value = getattr(item, "callspec", None) and item.callspec.params.get(argument)  # type: ignore[attr-defined]
        if file.endswith(table) and value is not None:
            return f"{table}:{getattr(value, 'layer', value)}"
    return item.nodeid.partition("::")[0]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    groups = [(item, group(item)) for item in items]
    slow = Counter(name for item, name in groups if item.get_closest_marker("slow"))
    optimized = {name for item, name in groups if item.get_closest_marker("optimized")}
    for item, name in groups:
        item.add_marker(pytest.mark.xdist_group(name))
    # Stable: the tests of a group stay in their order.
    groups.sort(key=lambda pair: (":" in pair[1], pair[1] not in optimized, -slow[pair[1]]))
    items[:] = [item for item, _ in groups]
