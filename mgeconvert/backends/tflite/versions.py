"""Which version of a TFLite operator a use of it needs, and which runtime has that version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mgeconvert.backends.tflite.versions_conditions import Operand, Signature
from mgeconvert.backends.tflite.versions_data import NEEDS
from mgeconvert.backends.tflite.versions_runtimes import RUNTIMES
from mgeconvert.errors import InternalError

__all__ = ["FIRST_RUNTIME", "Operand", "newest", "not_later", "runtime", "version"]

FIRST_RUNTIME = "1.5.0"


def version(
    code: str,
    inputs: Sequence[Operand | None],
    outputs: Sequence[Operand | None],
    options: Mapping[str, Any],
) -> int:
    """Return the lowest version of the operator `code` that means what is said.

    `code` is a name of the schema's BuiltinOperator, `options` the fields of the object with the
    operator's options by name. Inputs that are left out by -1 are None. Raises InternalError for
    an operator that no runtime has.
    """
    use = Signature(inputs, outputs, options)
    needed = (number for number, holds in NEEDS.get(code, {}).items() if holds(use))
    return max(needed, default=_first_version(code))


def runtime(code: str, version: int) -> str:
    """Return the release that first had this version of the operator, such as "2.3.0".

    Raises InternalError where none is known to.
    """
    releases = _releases(code)
    if not 1 <= version <= len(releases) or releases[version - 1] == "-":
        raise InternalError(f"no runtime is known to have {code} in version {version}")
    return releases[version - 1]


def newest(runtimes: Iterable[str]) -> str:
    """Return the newest of the releases, the first one of all where there are none."""
    return max(runtimes, key=_numbers, default=FIRST_RUNTIME)


def not_later(runtime: str, limit: str) -> bool:
    """Return whether a release is `limit` or an older one; "2.3" means "2.3.0"."""
    return _numbers(runtime) <= _numbers(limit)


def _first_version(code: str) -> int:
    releases = _releases(code)
    return next(number for number, release in enumerate(releases, start=1) if release != "-")


def _releases(code: str) -> list[str]:
    if code not in RUNTIMES:
        raise InternalError(f"no runtime is known to have the operator {code}")
    return RUNTIMES[code].split()


def _numbers(release: str) -> tuple[int, int, int]:
    numbers = [int(number) for number in release.split(".")] + [0, 0]
    return numbers[0], numbers[1], numbers[2]
