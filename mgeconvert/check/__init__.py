"""Does an artifact compute what its source computes? (numpy, and one process per runtime)."""
