"""What all tests share: hypothesis without deadlines, the same examples in every run."""

import ctypes

import pytest
from hypothesis import settings

# The machines of CI are shared, and a failure has to come again when the test is run alone.
settings.register_profile("mgeconvert", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("mgeconvert")


@pytest.fixture(autouse=True)
def plain_arithmetic() -> None:
    """Undo what MegEngine and other runtimes set for the whole process: denormals become zero."""
    default = ctypes.c_void_p(-1)  # FE_DFL_ENV of the C library
    ctypes.CDLL(None).fesetenv(default)
