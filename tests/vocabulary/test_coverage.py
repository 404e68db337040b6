"""`docs/coverage.md` says what is there."""

from __future__ import annotations

from vocabulary import report


def test_the_page_is_up_to_date() -> None:
    written = report.page(report.names())
    assert report.PAGE.read_text() == written, (
        "write it anew: PYTHONPATH=src:tests/support python -m vocabulary"
    )
