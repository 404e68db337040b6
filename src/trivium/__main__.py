"""`python -m trivium` is the `trivium` command."""

from __future__ import annotations

from trivium.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    raise SystemExit(main())
