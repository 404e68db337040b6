from __future__ import annotations

import pytest
from image_folders import write_images


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    write_images(folder)
    return folder


@pytest.fixture
def own_images(tmp_path):
    """The same, for tests that change files."""
    write_images(tmp_path / "images")
    return tmp_path / "images"
