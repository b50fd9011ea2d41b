"""What to say of an end point that a model does not have; standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

CLOSE, LISTED = 3, 20


def candidates(name: str, known: Iterable[str]) -> str:
    """Return the names that are close to `name`, and the first ones that there are."""
    names = list(dict.fromkeys(known))
    close = get_close_matches(name, names, CLOSE, 0.4)
    guess = [f"did you mean {' or '.join(map(repr, close))}?"] if close else []
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    listed = ", ".join(map(repr, names[:LISTED])) or "none"
    return " ".join([*guess, f"there are {listed}{more}"])
