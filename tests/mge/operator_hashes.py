"""How version 1 of the .mge format hashes operator names; run as a program, it prints the table.

`python -m tests.mge.operator_hashes NAME...` adds NAMEs to those that the table has.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterable, Mapping
from importlib.resources import files

SEED = 20160701
WORD = (1 << 64) - 1
PRIMES = (
    0x9E3779B185EBCA87,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0x85EBCA77C2B2AE63,
    0x27D4EB2F165667C5,
)


def xxh64(data: bytes, seed: int = 0) -> int:
    """Return the XXH64 hash, after the algorithm's published description."""
    first, second, _, fourth, fifth = PRIMES
    place = 0
    if len(data) >= 32:
        lanes = [seed + first + second, seed + second, seed, seed - first]
        lanes = [lane & WORD for lane in lanes]
        while place + 32 <= len(data):
            words = struct.unpack_from("<4Q", data, place)
            lanes = [_round(lane, word) for lane, word in zip(lanes, words)]
            place += 32
        value = sum(_rotate(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18))) & WORD
        for lane in lanes:
            value = ((value ^ _round(0, lane)) * first + fourth) & WORD
    else:
        value = (seed + fifth) & WORD
    return _avalanche(_tail(value + len(data) & WORD, data, place))


def _tail(value: int, data: bytes, place: int) -> int:
    """Mix in the last bytes: by eight, then four, then single ones."""
    first, second, third, fourth, fifth = PRIMES
    while place + 8 <= len(data):
        word = struct.unpack_from("<Q", data, place)[0]
        value = (_rotate(value ^ _round(0, word), 27) * first + fourth) & WORD
        place += 8
    if place + 4 <= len(data):
        word = struct.unpack_from("<I", data, place)[0]
        value = (_rotate(value ^ word * first & WORD, 23) * second + third) & WORD
        place += 4
    for byte in data[place:]:
        value = _rotate(value ^ byte * fifth & WORD, 11) * first & WORD
    return value


def _avalanche(value: int) -> int:
    for shift, prime in ((33, PRIMES[1]), (29, PRIMES[2])):
        value = (value ^ value >> shift) * prime & WORD
    return value ^ value >> 32


def _rotate(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & WORD


def _round(lane: int, word: int) -> int:
    return _rotate(lane + word * PRIMES[1] & WORD, 31) * PRIMES[0] & WORD


def table(names: Iterable[str]) -> Mapping[str, str]:
    """Return hash -> name, hashes in hexadecimal, sorted by name."""
    hashes = {name: xxh64(name.encode() + bytes(1), SEED) for name in sorted(names)}
    return {f"{number:016x}": name for name, number in hashes.items()}


def shipped() -> Mapping[str, str]:
    """Return the table in the package."""
    source = files("mgeconvert.frontends.mge").joinpath("tables") / "operators.json"
    return json.loads(source.read_text(encoding="utf-8"))


if __name__ == "__main__":
    json.dump(table({*shipped().values(), *sys.argv[1:]}), sys.stdout, indent=1)
    print()
