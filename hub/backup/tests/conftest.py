from __future__ import annotations

from hub.tests.shop import furnished, shop

__all__ = ["furnished", "shop"]
