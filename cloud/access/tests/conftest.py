from __future__ import annotations

import shutil

import pytest

from cloud.access.tests.office import Office


@pytest.fixture(scope="session")
def furnished_office(tmp_path_factory):
    """A head office's folder as it is before anything happens; each test has a copy."""
    folder = tmp_path_factory.mktemp("office") / "cloud"
    first = Office(folder)
    first.close()
    return folder, first.furnished()


@pytest.fixture
def office(furnished_office, tmp_path):
    folder, known = furnished_office
    shutil.copytree(folder, tmp_path / "cloud", ignore=shutil.ignore_patterns("*.bell"))
    opened = Office(tmp_path / "cloud", known)
    yield opened
    opened.close()
