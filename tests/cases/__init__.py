"""The operator table: families of cases, one line each, for every frontend and backend.

A family is a module of this package that has CASES.
"""

import importlib
import pkgutil

from tests.cases.case import Case


def _families() -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name not in ("case", "maker", "prepared"):
            found[module.name] = importlib.import_module(f"{__name__}.{module.name}").CASES
    return found


FAMILIES = _families()

__all__ = ["FAMILIES", "Case"]
