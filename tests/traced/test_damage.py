"""Damaged files and files of other kinds: one of two errors, soon, with little memory."""

import io
import pickle
import random
import struct
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

from mgeconvert.errors import ConvertError, UnreadableSource, UnsafeSource
from mgeconvert.frontends.traced.read import parse, read
from mgeconvert.frontends.traced.stubs import Name, Stub
from tests.traced import pickles
from tests.traced.pickles import DATA, changed, dumps, stubs

pytestmark = [pytest.mark.core, pytest.mark.slow]

SMALL = (DATA / "quantized.tm").read_bytes()


def refused(data: bytes, *, match: str | None = None) -> UnreadableSource:
    with pytest.raises(UnreadableSource, match=match) as caught:
        parse(memoryview(data))
    assert caught.value.code == "unreadable-source"
    assert caught.value.hint
    return caught.value


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as inner:
        inner.writestr("archive/data.pkl", pickle.dumps({}))
    return file.getvalue()


def npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, x=np.zeros(3))
    return file.getvalue()


OTHERS = {
    "empty": b"",
    "one byte": b"\x80",
    "text": b"import megengine\n",
    "zip": archive(),
    "npz": npz(),
    "protocol 0": pickle.dumps({"a": 1}, protocol=0),
    "protocol 2": pickle.dumps({"a": 1}, protocol=2),
    "protocol 6": b"\x80\x06N.",
    "dict": pickle.dumps({"state_dict": {"weight": [1.0, 2.0]}}),
    "state dict": pickle.dumps({"weight": np.ones((2, 3), np.float32)}),
    "array": pickle.dumps(np.ones(3)),
    "none": pickle.dumps(None),
    "zeros": bytes(1000),
    "another object": dumps(Stub(Name("megengine.module.linear", "Linear"), (), 0)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_files_of_other_kinds(name, tmp_path):
    path = tmp_path / "model.tm"
    path.write_bytes(OTHERS[name])
    with pytest.raises(UnreadableSource) as caught:
        read(path)
    assert caught.value.hint


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UnreadableSource, match=r"missing\.tm"):
        read(tmp_path / "missing.tm")
    with pytest.raises(UnreadableSource):
        read(tmp_path)


def test_bytes_after_the_end():
    assert f"at byte {len(SMALL)}" in str(refused(SMALL + b"\0", match="1 bytes after the end"))
    refused(SMALL + SMALL)


def test_truncated_anywhere():
    offsets = sorted({*range(64), *range(0, len(SMALL), 37), *range(len(SMALL) - 64, len(SMALL))})
    for offset in offsets:
        refused(SMALL[:offset], match=r"byte \d+|first byte")


def test_three_thousand_mutations():
    """Flipped bits, replaced, removed and repeated bytes: read, or one of two errors."""
    source = random.Random(20240229)
    outcomes = {"read": 0, "unreadable-source": 0, "unsafe-source": 0, "unsupported-case": 0}
    for _ in range(3000):
        data = mutated(source)
        try:
            parse(memoryview(data))
        except ConvertError as error:
            outcomes[error.code] += 1
        else:
            outcomes["read"] += 1
    assert outcomes["unreadable-source"] > 1000
    assert outcomes["unsafe-source"] > 100


def mutated(source: random.Random) -> bytes:
    data = bytearray(SMALL)
    for _ in range(source.choice((1, 1, 2, 5))):
        at = source.randrange(len(data))
        kind = source.randrange(5)
        if kind == 0:
            data[at] ^= 1 << source.randrange(8)
        elif kind == 1:
            data[at] = source.randrange(256)
        elif kind == 2:
            del data[at : at + source.randrange(1, 16)]
        elif kind == 3:
            data[at:at] = data[source.randrange(len(data)) :][: source.randrange(1, 32)]
        else:
            data[at] = source.choice(b"()]}.NRb\x81\x85\x86\x87\x93\x94hjrtue0Q")
    return bytes(data)


def test_random_bytes():
    source = random.Random(7)
    for size in (1, 2, 16, 1000):
        for _ in range(100):
            with pytest.raises((UnreadableSource, UnsafeSource)):
                parse(memoryview(b"\x80\x04" + source.randbytes(size)))


BOMBS = {
    "memo index": b"\x80\x04Nr\xff\xff\xff\x7f.",
    "bytes": b"\x80\x04B\xff\xff\xff\xff.",
    "long bytes": b"\x80\x04\x8e" + b"\xff" * 8 + b".",
    "bytearray": b"\x80\x05\x96" + b"\xff" * 8 + b".",
    "text": b"\x80\x04X\xff\xff\xff\xff.",
    "long text": b"\x80\x04\x8d" + b"\xff" * 8 + b".",
    "integer": b"\x80\x04\x8b\xff\xff\xff\x7f.",
    "frame": b"\x80\x04\x95" + b"\xff" * 8 + b"N.",
    "deep tuple": b"\x80\x04N" + b"\x85" * 300_000 + b".",
    "deep list": b"\x80\x04N" + b"]" * 300_000 + b"a" * 300_000 + b".",
    "deep dict": b"\x80\x04" + b"}N" * 100_000 + b"N" + b"s" * 100_000 + b".",
    "marks": b"\x80\x04" + b"(" * 300_000 + b".",
    "never ends": b"\x80\x04" + b"N0" * 200_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_soon(name):
    data = BOMBS[name]
    tracemalloc.start()
    start = time.process_time()
    try:
        refused(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000 + 150 * len(data)
    assert time.process_time() - start < 10


def shared(depth: int) -> object:
    """Return a nest of `depth` objects that has 2**depth items."""
    nest: object = 0
    for _ in range(depth):
        nest = (nest, nest)
    return nest


NESTS = {
    "shared": lambda: shared(60),
    "deep": lambda: pickles.raw(b"N" + b"\x85" * 500),
    "very deep": lambda: pickles.raw(b"N" + b"\x85" * 200_000),
}


def as_attribute(top, bomb):
    top.state["_name"] = bomb


def as_key(top, bomb):
    tree = next(t for t in stubs(top, "TreeDef") if t.state["type"].name == "dict")
    tree.state["aux_data"] = (bomb,)


def as_container(top, bomb):
    stubs(top, "TreeDef")[0].state["type"] = bomb


def as_constant(top, bomb):
    call = next(c for c in stubs(top, "CallFunction") if c.state["const_val"])
    call.state["const_val"][0] = (call.state["const_val"][0][0], bomb)


def as_function(top, bomb):
    stubs(top, "CallFunction")[0].state["func"] = bomb


def as_element_type(top, bomb):
    stub = stubs(top, "dtype")[0]
    stub.args = (bomb, *stub.args[1:])


def as_version(top, bomb):
    top.state["dump_info"]["version"] = bomb


def as_name(top, bomb):
    stubs(top, "TensorNode")[0].state["_name"] = bomb


def as_argument_of_a_call(top, bomb):
    stubs(top, "Tensor")[0].args = (bomb, bomb, bomb)


@pytest.mark.parametrize("nest", NESTS)
@pytest.mark.parametrize(
    "put",
    [
        *(as_attribute, as_key, as_container, as_constant, as_function, as_element_type),
        *(as_version, as_name, as_argument_of_a_call),
    ],
)
def test_nests_that_grow_when_they_are_used(put, nest):
    """A shared nest has no end when it is hashed or shown; a deep one ends the stack."""
    data = changed(lambda top: put(top, NESTS[nest]()))
    start = time.process_time()
    with pytest.raises((UnreadableSource, UnsafeSource)):
        parse(memoryview(data))
    assert time.process_time() - start < 8


def test_a_shared_structure_of_arguments():
    empty = Stub(Name("megengine.traced_module.pytree", "TreeDef"), (), 0)
    kind = Name("builtins", "tuple")
    empty.state = {"type": kind, "aux_data": None, "children_defs": [], "num_leaves": 0}
    for _ in range(40):
        outer = Stub(empty.kind, (), 0)
        outer.state = {**empty.state, "children_defs": [empty, empty]}
        empty = outer

    def as_arguments(top):
        stubs(top, "CallFunction")[0].state["arg_def"] = empty

    def as_signature(top):
        graphs = top.state["argdef_graph_map"]
        graphs[empty] = graphs.popitem()[1]

    for change in (as_arguments, as_signature):
        refused(changed(change), match="too large")


def first(top: Stub, kind: str) -> dict:
    return stubs(top, kind)[0].state


def itself(top):
    top.state["inner"] = top


def a_list_in_itself(top):
    loop: list = []
    loop.append(loop)
    top.state["inner"] = loop


def used_before_it_is_computed(top):
    graph = first(top, "InternalGraph")
    graph["_exprs"].reverse()


def computed_twice(top):
    exprs = first(top, "InternalGraph")["_exprs"]
    exprs.append(exprs[-1])


def no_graph(top):
    top.state["argdef_graph_map"].clear()
    top.state["argdef_graph_map"][1] = None


def no_node(top):
    first(top, "InternalGraph")["_outputs"].append(None)


def no_expression(top):
    first(top, "InternalGraph")["_exprs"].append(3)


def no_value(top):
    first(top, "CallFunction")["inputs"].pop()


def no_place(top):
    first(top, "CallFunction")["const_val"].append((99, 1))


def an_unknown_field(top):
    first(top, "CallFunction")["interpret"] = 1


def no_state(top):
    stubs(top, "CallFunction")[0].state = None


def a_text_for_a_list(top):
    first(top, "CallFunction")["inputs"] = "ab"


def a_name_that_is_none(top):
    first(top, "InternalGraph")["_name"] = 5


def a_shape_that_does_not_fit(top):
    array = stubs(top, "_reconstruct")[0]
    array.state = (*array.state[:1], (1 << 62, 1 << 62), *array.state[2:])


def a_shape_below_zero(top):
    array = stubs(top, "_reconstruct")[0]
    array.state = (*array.state[:1], (-1, -4), *array.state[2:])


def objects(top):
    dtype = stubs(top, "dtype")[0]
    dtype.args = ("O8", *dtype.args[1:])


@pytest.mark.parametrize(
    "change",
    [
        itself,
        a_list_in_itself,
        used_before_it_is_computed,
        computed_twice,
        no_graph,
        no_node,
        no_expression,
        no_value,
        no_place,
        an_unknown_field,
        no_state,
        a_text_for_a_list,
        a_name_that_is_none,
        a_shape_that_does_not_fit,
        a_shape_below_zero,
        objects,
    ],
)
def test_structures_that_do_not_fit(change):
    refused(changed(change))


def test_a_module_as_an_argument_is_not_supported():
    def change(top):
        graph = first(top, "InternalGraph")
        graph["_inputs"].append(stubs(top, "ModuleNode")[0])

    with pytest.raises(ConvertError) as caught:
        parse(memoryview(changed(change)))
    assert caught.value.code in ("unsupported-case", "unreadable-source")


def test_an_index_just_inside_the_file_is_read():
    """The bound on memo indexes must not refuse what old protocols write."""
    value = [str(i) for i in range(1000)]
    data = pickle.dumps(value, protocol=3)
    assert struct.pack("<I", 999) in data
    refused(data, match="the file holds list")
