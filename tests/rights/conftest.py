from __future__ import annotations

import pytest

from cloud.ingest.tests.stores import Desk
from cloud.platform.tests.office import merchant_in, office_in
from tests.rights.shops import Shop, furnish


@pytest.fixture
def platform(tmp_path):
    opened = office_in(tmp_path / "office")
    yield opened
    opened.close()


@pytest.fixture
def merchant(platform):
    made = merchant_in(platform, stores=("s1", "s2"))
    furnish(made)
    return made


@pytest.fixture
def desk(platform):
    return Desk(platform)


@pytest.fixture
def first(tmp_path, platform, merchant):
    shop = Shop(tmp_path, platform, merchant, name="1111111111111111", store="s1", seed=11)
    yield shop
    shop.close()


@pytest.fixture
def second(tmp_path, platform, merchant):
    shop = Shop(tmp_path, platform, merchant, name="2222222222222222", store="s2", seed=12)
    yield shop
    shop.close()
