from __future__ import annotations

import pytest

from cloud.platform.tests.office import merchant_in, office_in


@pytest.fixture
def platform(tmp_path):
    opened = office_in(tmp_path / "office")
    yield opened
    opened.close()


@pytest.fixture
def merchant(platform):
    return merchant_in(platform)
