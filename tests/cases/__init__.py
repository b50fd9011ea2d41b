"""The operator table: families of cases, one line each, for every frontend and backend."""

from tests.cases import elementwise
from tests.cases.case import Case

FAMILIES: dict[str, list[Case]] = {"elementwise": elementwise.CASES}

__all__ = ["FAMILIES", "Case"]
