"""Head office's fixtures, for the tests of this slice."""

from cloud.edits.tests.desk import desk

__all__ = ["desk"]
