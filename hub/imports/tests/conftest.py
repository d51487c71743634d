"""The shop's fixtures, for the tests of this slice."""

from hub.tests.shop import shop

__all__ = ["shop"]
