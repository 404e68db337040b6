"""The checks, in the order in which they run: each tries one thing and yields what is wrong, and what to do."""

# Importing them fills the list, so their order here is the order in which they run.
from trivium.testing.checks import calling, compiling, keeping
from trivium.testing.checks.registry import CHECKS, Check

__all__ = ["CHECKS", "Check", "calling", "compiling", "keeping"]
