from __future__ import annotations

import pytest

from cloud.access.tests.conftest import furnished_office, office
from tests.journeys.browser import launch_options

__all__ = ["furnished_office", "office"]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {**browser_type_launch_args, **launch_options()}
