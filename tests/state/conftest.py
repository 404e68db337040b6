"""What these tests set is set back: floats, epsilon, policy, registered names."""

import pytest

from trivium.state import dtypes, registry


@pytest.fixture(autouse=True)
def as_before():
    settings = dtypes.floatx(), dtypes.epsilon(), dtypes._policy
    known = dict(registry._custom_objects)
    yield
    dtypes.set_floatx(settings[0])
    dtypes.set_epsilon(settings[1])
    dtypes.set_dtype_policy(settings[2])
    registry._custom_objects.clear()
    registry._custom_objects.update(known)
