from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from hub.api.tests.counter import Counter, open_counter
from tests.started import Hub, Shop, assert_sound, seed, start

_tills = itertools.count()


@pytest.fixture(scope="package")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return seed(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="package")
def hub(shop: Shop) -> Iterator[Hub]:
    with start(shop.folder) as started:
        yield started
    # Whatever the tests of the API did to it, the journal holds and the tables follow from it.
    assert_sound(shop.folder)


@pytest.fixture
def till() -> str:
    """A till that no other test uses."""
    return f"till-{next(_tills)}"


@pytest.fixture
def counter(shop: Shop, hub: Hub, till: str) -> Counter:
    """A till with an open shift, and its owner at it."""
    return open_counter(hub, shop, till)
