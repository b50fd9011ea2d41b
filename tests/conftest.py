"""What all tests share: hypothesis without deadlines, the same examples in every run."""

from hypothesis import settings

# The machines of CI are shared, and a failure has to come again when the test is run alone.
settings.register_profile("mgeconvert", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("mgeconvert")
