import os
import time

import pytest

from tests.build.project import Project


@pytest.fixture
def project(tmp_path, monkeypatch):
    return Project(tmp_path, monkeypatch)


@pytest.fixture
def age():
    """Make a file look as if it had not been touched for a while (all but its ctime)."""

    def make_old(path, seconds=60.0):
        then = time.time() - seconds
        os.utime(path, (then, then))

    return make_old
