"""The shop's fixtures, for the tests of this slice, and how a browser is started."""

import pytest

from hub.tests.shop import furnished, shop
from tests.journeys.browser import launch_options

__all__ = ["furnished", "shop"]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {**browser_type_launch_args, **launch_options()}
