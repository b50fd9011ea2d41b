"""The tests of mgeconvert."""
