"""Read a `.tm` file into records, without MegEngine and without running what the file says."""

from __future__ import annotations

import mmap
from pathlib import Path

from mgeconvert.errors import UnreadableSource
from mgeconvert.frontends.traced.build import Builder
from mgeconvert.frontends.traced.records import TracedModel
from mgeconvert.frontends.traced.unpickle import unpickle
from mgeconvert.frontends.traced.vet import vet
from mgeconvert.frontends.traced.vocabulary import vocabulary

HINT = "the file is damaged, or not a TracedModule saved with megengine.save"


def read(path: Path) -> TracedModel:
    """Return what the `.tm` file at `path` holds.

    Weights are views of the mapped file: they take no memory of their own, and the file must
    not change while they are in use. A file that is read without error is also safe to be given to
    `megengine.load`. Raise UnsafeSource where it asks for code or names that are not MegEngine's,
    UnreadableSource where it is damaged, UnsupportedCase where a module is passed as an argument.
    """
    try:
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise UnreadableSource(f"cannot read {path.name}: {error}", hint=HINT) from error
    return parse(memoryview(data))


def parse(data: memoryview) -> TracedModel:
    """Return what the bytes of a `.tm` file hold; see `read`."""
    names = vocabulary()
    pickle = unpickle(data, names)
    try:
        vet(pickle.stubs, names)
        return Builder(names).model(pickle.value)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        problem = f"the TracedModule is malformed ({type(error).__name__}: {str(error)[:100]})"
        raise UnreadableSource(problem, hint=HINT) from error
    except (RecursionError, MemoryError) as error:
        raise UnreadableSource("the TracedModule is too large or too deep", hint=HINT) from error
