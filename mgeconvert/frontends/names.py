"""Names of outputs, and what to say of one that a model does not have; standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Return `names` with the repetitions numbered: an output may be returned twice.

    The first of a name keeps it, and the numbered ones are none of the others.
    """
    seen: list[str] = []
    for name in names:
        new, count = name, 0
        while new in seen or (count and new in names):
            count += 1
            new = f"{name}_{count}"
        seen.append(new)
    return tuple(seen)
