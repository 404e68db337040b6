"""The article's network in the three styles: programs that are run, and shown as they are."""

__all__: list[str] = []
