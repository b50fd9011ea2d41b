"""Damaged files: an error with the byte offset or a graph, soon, and never anything else."""

import random
import struct
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from mgeconvert.errors import UnreadableSource
from mgeconvert.frontends.mge.read import decode_file
from mgeconvert.frontends.mge.records import MgeModel

pytestmark = pytest.mark.core
DUMPS = sorted((Path(__file__).parent / "dumps").glob("*.mge"))
PER_FILE = 320
SECONDS = 2.0  # a sound file of this size takes a few milliseconds
BYTES = 16 << 20


def flip(data, chance):
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def byte(data, chance):
    data[chance.randrange(len(data))] = chance.choice([0, 1, 4, 0x7F, 0x80, 0xFF])


def word(data, chance):
    place = chance.randrange(0, len(data) - 4) & ~3
    value = chance.choice([0, 1, 4, 8, len(data), 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1])
    struct.pack_into("<I", data, place, value)


def offset(data, chance):
    """Let a word point to somewhere else in the file: cycles, overlaps, shared tables."""
    place = chance.randrange(0, len(data) - 4) & ~3
    struct.pack_into("<I", data, place, chance.randrange(len(data)))


def cut(data, chance):
    del data[chance.randrange(len(data)) :]


def drop(data, chance):
    start = chance.randrange(len(data))
    del data[start : start + chance.randrange(1, 16)]


def repeat(data, chance):
    start = chance.randrange(len(data))
    data[start:start] = data[start : start + chance.randrange(4, 64)]


def swap(data, chance):
    size = chance.choice([2, 4, 8, 32])
    one, two = (chance.randrange(len(data) - size) for _ in range(2))
    data[one : one + size], data[two : two + size] = (
        data[two : two + size],
        data[one : one + size],
    )


MUTATIONS = (flip, byte, word, word, offset, offset, cut, drop, repeat, swap)


def mutate(data, seed):
    chance = random.Random(seed)
    damaged = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 3, 8])):
        if len(damaged) > 64:
            chance.choice(MUTATIONS)(damaged, chance)
    return bytes(damaged)


def read_or_refuse(data):
    """Return the model, or the error; anything else is raised. It must not take long."""
    start = time.process_time()
    try:
        result = decode_file(np.frombuffer(data, np.uint8))
    except UnreadableSource as error:
        result = error
    assert time.process_time() - start < SECONDS
    return result


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.stem)
def test_a_mutated_file_is_read_or_refused(path):
    data = path.read_bytes()
    refused = 0
    for number in range(PER_FILE):
        result = read_or_refuse(mutate(data, f"{path.stem} {number}"))
        if isinstance(result, MgeModel):
            list(result.inputs()), result.constants(), result.producers()
        else:
            refused += 1
            assert "at byte" in str(result) or "not a .mge file" in str(result)
    assert 0 < refused < PER_FILE


def test_there_are_enough_mutations_of_both_formats():
    assert len(DUMPS) * PER_FILE >= 5000
    assert {".v1" in path.stem for path in DUMPS} == {True, False}


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.stem)
def test_every_truncation_is_refused(path):
    data = path.read_bytes()
    for size in [*range(64), *range(64, len(data), 97), len(data) - 1]:
        assert isinstance(read_or_refuse(data[:size]), UnreadableSource)


class Builder:
    """Build a flatbuffer of version 2 by hand, forwards."""

    def __init__(self, count):
        self.buffer = bytearray()
        self.put("I4s", 0, b"mgv2")
        fields = self.put("5H2x", 10, 8, 0, 0, 4)
        model = self.put("iI", 0, 0)
        operators = self.put("I", count)
        self.slots = [self.put("I", 0) for _ in range(count)]
        struct.pack_into("<I", self.buffer, 0, model)
        struct.pack_into("<iI", self.buffer, model, model - fields, operators - model - 4)

    def put(self, code, *values):
        self.buffer.extend(struct.pack("<" + code, *values))
        return len(self.buffer) - struct.calcsize("<" + code)

    def point(self, slot, target):
        struct.pack_into("<I", self.buffer, slot, target - slot)

    def file(self):
        return struct.pack("<I", len(self.buffer)) + bytes(self.buffer)


def shared_inputs(count):
    """Build `count` operators that all have the same vector of `count` inputs."""
    builder = Builder(count)
    fields = builder.put("10H", 20, 8, *[0] * 7, 4)
    tables = [builder.put("iI", 0, 0) for _ in range(count)]
    inputs = builder.put(f"I{count}I", count, *[0] * count)
    for slot, table in zip(builder.slots, tables):
        builder.point(slot, table)
        struct.pack_into("<i", builder.buffer, table, table - fields)
        builder.point(table + 4, inputs)
    return builder.file()


def one_operator(count):
    """Build `count` operators that are all the same table, without any field."""
    builder = Builder(count)
    fields = builder.put("2H", 4, 4)
    table = builder.put("i", 0)
    struct.pack_into("<i", builder.buffer, table, table - fields)
    for slot in builder.slots:
        builder.point(slot, table)
    return builder.file()


def test_shared_parts_are_read_while_they_are_few():
    error = read_or_refuse(shared_inputs(5))
    assert "reads variable 0 before it exists" in str(error)


@pytest.mark.parametrize("count", [1_000, 100_000])
@pytest.mark.parametrize("build", [shared_inputs, one_operator])
def test_shared_parts_cannot_cost_the_square_of_the_size(build, count):
    error = read_or_refuse(build(count))
    assert "too many tables share their parts" in str(error)


def test_memory_is_bounded_by_the_size_of_the_file():
    data = max(DUMPS, key=lambda path: path.stat().st_size).read_bytes()
    tracemalloc.start()
    try:
        for number in range(60):
            read_or_refuse(mutate(data, number))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < BYTES
