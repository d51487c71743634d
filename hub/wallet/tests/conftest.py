"""The shop's fixtures, for the tests of this slice."""

from hub.tests.shop import furnished, shop

__all__ = ["furnished", "shop"]
