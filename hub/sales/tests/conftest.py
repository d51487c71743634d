from hub.tests.shop import shop

__all__ = ["shop"]
