"""Arrays that are views of a mapped file; needs numpy only."""

from __future__ import annotations

import mmap

import numpy as np

from mgeconvert.ir.op import Array


def forget(array: Array) -> None:
    """Let go of the memory of an array that is a view of a mapped file; others are left alone.

    The array stays usable: the pages are read from the file again when they are needed. So a model
    need not be resident twice while its weights are copied one after the other.
    """
    owner: object = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    mapped = owner.obj if isinstance(owner, memoryview) else owner
    if not isinstance(mapped, mmap.mmap) or not array.flags.c_contiguous:
        return
    start = array.ctypes.data - np.frombuffer(mapped, np.uint8).ctypes.data
    first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
    last = (start + array.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    if last > first:
        mapped.madvise(mmap.MADV_DONTNEED, first, last - first)
