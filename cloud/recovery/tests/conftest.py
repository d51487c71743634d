from __future__ import annotations

from cloud.ingest.tests.conftest import desk, first, merchant, platform, second

__all__ = ["desk", "first", "merchant", "platform", "second"]
