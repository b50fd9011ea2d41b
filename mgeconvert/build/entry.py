"""Functions named by text, the seam between the build and what its workers call."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from mgeconvert.errors import InternalError


def resolve(path: str) -> Callable[..., Any]:
    """Return the function that "package.module:name" names."""
    module, _, name = path.partition(":")
    function = getattr(importlib.import_module(module), name, None)
    if not callable(function):
        raise InternalError(f"{path!r} names no function")
    return function
