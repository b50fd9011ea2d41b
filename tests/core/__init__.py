"""The core on its own: no MegEngine, any CPython, numpy 1 or 2."""
