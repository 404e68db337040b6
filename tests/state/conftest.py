"""What these tests set is set back: floats, epsilon, policy, registered names."""

import pytest

from trivium.state import custom_objects, dtypes, session, set_dtype_policy


@pytest.fixture(autouse=True)
def as_before():
    settings = dtypes.floatx(), dtypes.epsilon(), session.session().policy
    known = dict(custom_objects._registered)
    yield
    dtypes.set_floatx(settings[0])
    dtypes.set_epsilon(settings[1])
    set_dtype_policy(settings[2])
    custom_objects._registered.clear()
    custom_objects._registered.update(known)
