from __future__ import annotations

import ssl

import pytest

from hub.sync import join
from hub.sync.tests.office import GOOD_CODE, Office
from hub.tests.shop import furnished, shop
from tests.broker.conftest import authority, broker, pairs

__all__ = ["authority", "broker", "furnished", "pairs", "shop"]


@pytest.fixture
def office(tmp_path, authority):
    """A head office without a broker."""
    opened = Office(tmp_path / "office", authority, 1)
    yield opened
    opened.close()


@pytest.fixture
def joined_shop(office, shop, authority):
    """A shop that brought its own and follows head office now."""
    return joined_to(office, shop, authority)


def joined_to(office, shop, authority):
    context = ssl.create_default_context(cafile=str(authority.file))
    join(shop.box, url=office.url, code=GOOD_CODE, bring=True, version="1", context=context)
    return shop
