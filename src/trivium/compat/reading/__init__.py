"""Reading a program's syntax: what its names stand for, as far as that is plain, and what of Keras it uses.

`meanings` says what an expression can be, `expressions` finds that for one, and `statements` goes through a program.
"""

from trivium.compat.reading.statements import Reader

__all__ = ["Reader"]
