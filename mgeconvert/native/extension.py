"""The only importer of the extension module, and whether it is to be done without."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

NO_NATIVE = os.environ.get("MGECONVERT_NO_NATIVE") == "1"

if TYPE_CHECKING or not NO_NATIVE:
    try:
        from mgeconvert import _native
    except ImportError as error:
        raise ImportError(
            "the extension module mgeconvert._native is missing: install mgeconvert again "
            "(`make setup` in a checkout), or set MGECONVERT_NO_NATIVE=1 to do with numpy"
        ) from error
else:
    _native = None

__all__ = ["NO_NATIVE", "_native"]
