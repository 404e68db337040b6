"""Which tests run in one process: those that share compiled programs, so that each is compiled once.

A file is a group: first those compiled as users' programs are, then the slow ones. Large tables are a group for each
layer or op, and come last: small groups let the processes end together.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

# Files too large to be one group: the name of the layer or op stands in a test's id.
TABLES = ("layers/test_contract.py", "ops/test_against_keras.py")


def group(nodeid: str) -> str:
    """Return the name of a test's group."""
    file, _, test = nodeid.partition("::")
    # `test_gradients[mixed_float16-Dense(units=3)-(2,6)]`, or `test_names[Dense]`.
    name = re.search(r"\[.*?(\w+)[(\]]", test) if file.endswith(TABLES) else None
    return f"{file}:{name[1]}" if name else file


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    groups = [(item, group(item.nodeid)) for item in items]
    slow = Counter(name for item, name in groups if item.get_closest_marker("slow"))
    optimized = {name for item, name in groups if item.get_closest_marker("optimized")}
    # Stable: the tests of a group stay in their order.
    groups.sort(key=lambda pair: (":" in pair[1], pair[1] not in optimized, -slow[pair[1]]))
    items[:] = [item for item, _ in groups]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Send groups to the processes.

    By the tests' ids, and not by xdist's marker of groups, which some versions of pytest lose in silence: then each
    process compiles nearly all programs.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    return Groups(config, log)
