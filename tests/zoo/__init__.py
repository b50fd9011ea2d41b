"""Small models of many kinds, written for the tests; importing this needs no MegEngine."""

from __future__ import annotations

from tests.zoo.family import Family, Input
from tests.zoo.table import FAMILIES
from tests.zoo.tracing import feeds, trace

__all__ = ["FAMILIES", "Family", "Input", "feeds", "trace"]
