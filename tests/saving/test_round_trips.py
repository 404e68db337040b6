"""`docs/saving.md` says what goes to Keras and back; every layer is among it, or has a reason."""

import round_trips


def test_each_layer_is_compared_or_has_a_reason():
    assert round_trips.unknown() == []


def test_the_page_is_up_to_date():
    page = round_trips.PAGE.read_text()
    assert page == round_trips.page(page), (
        "write it anew: PYTHONPATH=src:tests/support python -m round_trips"
    )
