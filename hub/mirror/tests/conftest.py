from hub.tests.shop import furnished, shop

__all__ = ["furnished", "shop"]
