"""Files that ask for code to be run: refused with unsafe-source, and nothing has run."""

import pickle
import sys

import pytest

from mgeconvert.errors import UnsafeSource
from mgeconvert.frontends.traced.read import parse
from mgeconvert.frontends.traced.stubs import Name, Stub
from tests.traced.pickles import changed, dumps, load, stubs

pytestmark = pytest.mark.core

CANARY = "canary_of_the_traced_reader"


@pytest.fixture(autouse=True)
def canary(tmp_path, monkeypatch):
    """A module that leaves a file when it is imported, and commands that leave one."""
    left = tmp_path / "left"
    source = f"open({str(left)!r}, 'w').close()\ndef f(*args):\n    pass\nclass C:\n    f = f\n"
    (tmp_path / f"{CANARY}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    yield left
    assert not left.exists(), "the file's code ran"
    assert CANARY not in sys.modules


def refused(data: bytes) -> UnsafeSource:
    with pytest.raises(UnsafeSource) as caught:
        parse(memoryview(data))
    assert caught.value.code == "unsafe-source"
    assert caught.value.hint
    return caught.value


def test_the_canary_shows_when_code_runs(canary):
    pickle.loads(head(text(CANARY), text("f"), b"\x93)R"))
    assert canary.exists()
    canary.unlink()
    del sys.modules[CANARY]


class Call:
    """Pickles as a call of `function` with `args`."""

    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [{"weight": (x,)}]])
def test_reduce_of_a_command(canary, protocol, wrap):
    import os

    data = pickle.dumps(wrap(Call(os.system, f"touch {canary}")), protocol=protocol)
    assert "'posix.system'" in str(refused(data))


@pytest.mark.parametrize(
    "function", [eval, exec, __import__, getattr, print, compile, breakpoint, vars]
)
def test_reduce_of_a_builtin(function):
    assert f"builtins.{function.__name__}" in str(refused(pickle.dumps(Call(function, "1"))))


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def head(*parts: bytes) -> bytes:
    return b"\x80\x04" + b"".join(parts) + b"."


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (CANARY, "f"),
        (CANARY, "C.f"),
        ("megengine", "functional.os.system"),
        ("megengine.module.conv", "Conv2d.forward"),
        ("megengine.module.conv", "Conv2d.__init__"),
        ("megengine.traced_module.expr", "import_module"),
        ("megengine.traced_module.expr", "Call"),
        ("megengine.module.external", "TensorrtRuntimeSubgraph"),
        ("megengine.core._imperative_rt.ops", "AtlasRuntime"),
        ("megengine.functional.nn", "relu"),
        ("numpy", "load"),
        ("numpy.core.multiarray", "fromfile"),
        ("builtins", "object"),
        ("", ""),
    ],
)
def test_names_outside_the_list(module, name):
    for asked in (text(module) + text(name) + b"\x93", f"c{module}\n{name}\n".encode()):
        for used in (b"", b")R", b")\x81", b"(tR"):
            assert repr(f"{module}.{name}") in str(refused(head(asked, used)))


@pytest.mark.parametrize(
    ("what", "call"),
    [
        ("builtins.type", head(text("builtins"), text("type"), b"\x93", text("A"), b")}\x87R")),
        ("builtins.type", head(text("builtins"), text("type"), b"\x93", text("A"), b"\x85R")),
        ("builtins.list", head(text("builtins"), text("list"), b"\x93)R")),
        ("builtins.str", head(text("builtins"), text("str"), b"\x93)\x81")),
        ("numpy.dtype", head(text("numpy"), text("dtype"), b"\x93", text("f4"), b"\x85R")),
        ("numpy.ndarray", head(text("numpy"), text("ndarray"), b"\x93J\xff\xff\xff\x7f\x85R")),
        ("megengine.tensor.Tensor", head(text("megengine.tensor"), text("Tensor"), b"\x93)R")),
    ],
)
def test_calls_that_no_model_makes(what, call):
    assert what in str(refused(call))


def test_an_array_of_a_size_that_the_file_has_not():
    reconstruct, ndarray = Name("numpy.core.multiarray", "_reconstruct"), Name("numpy", "ndarray")
    refused(dumps(Stub(reconstruct, (ndarray, (1 << 40,), b"b"), 0)))
    refused(dumps(Stub(reconstruct, (Name("builtins", "list"), (0,), b"b"), 0)))


@pytest.mark.parametrize(
    "opcodes",
    [
        b"(ios\nsystem\n",
        b"(cos\nsystem\no",
        b"Pid\n",
        b"NQ",
        b"\x82\x01",
        b"\x83\x01\x00",
        b"\x84\x01\x00\x00\x00",
        b")})\x92",
    ],
)
def test_opcodes_that_only_serve_to_run_code(opcodes):
    refused(b"\x80\x04" + opcodes + b".")


PAIRS = [
    ("os", "system"),
    (CANARY, "f"),
    (CANARY, "C.f"),
    ("megengine", "os.system"),
    ("megengine.functional", "nn.relu"),
    ("megengine.functional.nn", "relu.__globals__"),
    ("megengine.functional.nn", "import_module"),
    ("megengine.functional.debug_param", "get_execution_strategy"),
    ("megengine.distributed.functional", "remote_send"),
    ("megengine.module.qat.module", "QATModule.__init__"),
    ("megengine.functional.nn", "relu", "x"),
    "os.system",
    (b"os", b"system"),
    None,
]


@pytest.mark.parametrize("pair", PAIRS)
def test_function_pairs(pair):
    def change(top):
        stubs(top, "CallFunction")[0].state["func"] = pair

    shown = ".".join(pair) if isinstance(pair, tuple) and isinstance(pair[0], str) else ""
    problem = str(refused(changed(change)))
    assert "the function" in problem
    assert "CallFunction" in problem
    assert shown in problem or len(pair) == 3


@pytest.mark.parametrize("pair", [*PAIRS, ("megengine.module.external", "ExternOprSubgraph")])
@pytest.mark.parametrize(
    ("kind", "field"), [("_ModuleState", "module"), ("ModuleNode", "module_type")]
)
def test_module_classes(kind, field, pair):
    def change(top):
        stubs(top, kind)[-1].state[field] = pair

    assert "the module class" in str(refused(changed(change)))


@pytest.mark.parametrize(
    "method",
    ["__class__", "__reduce__", "__getattribute__", "__init__", "_reset", "numpy", "system", 3],
)
def test_method_names(method):
    def change(top):
        stubs(top, "CallMethod")[0].state["method"] = method

    assert f"the method '{method}'" in str(refused(changed(change)))


def test_methods_that_do_not_fit_their_object():
    def method_call(top, on: str) -> Stub:
        calls = stubs(top, "CallMethod")
        return next(c for c in calls if c.state["inputs"] and c.state["inputs"][0].kind.name == on)

    def call_a_tensor(top):
        method_call(top, "TensorNode").state["method"] = "__call__"

    def add_a_module(top):
        method_call(top, "ModuleNode").state["method"] = "__add__"

    def make_a_list(top):
        new = next(c for c in stubs(top, "CallMethod") if c.state["method"] == "__new__")
        new.state["const_val"] = [(0, Name("builtins", "list"))]

    for change in (call_a_tensor, add_a_module, make_a_list):
        assert "the method" in str(refused(changed(change)))


@pytest.mark.parametrize(
    "path",
    [
        *("__class__", "fc.__init__.__globals__", "stem.0.__dict__", "forward", "load_state_dict"),
        *("missing", "fc.missing", "_modules", "argdef_graph_map", "", ".", "fc..weight", "a b", 7),
    ],
)
def test_attributes_that_are_not_data_of_the_module(path):
    def change(top):
        stubs(top, "GetAttr")[0].state["name"] = path

    assert "the attribute" in str(refused(changed(change)))


def test_attributes_of_another_kind_than_their_node():
    def change(top):
        get = next(g for g in stubs(top, "GetAttr") if g.state["name"] == "gain")
        get.state["name"] = "training"

    assert "'bool'" in str(refused(changed(change)))


@pytest.mark.parametrize(
    "opdef",
    [
        Name("megengine.core._imperative_rt.common", "CompNode"),
        Name("builtins", "type"),
        ("os", "system"),
        "GetVarShape",
        None,
    ],
)
def test_operators(opdef):
    def change(top):
        stubs(top, "Apply")[0].state["opdef_state"]["opdef_type"] = opdef

    assert "the operator" in str(refused(changed(change)))


@pytest.mark.parametrize(
    "field",
    ["_forward_hooks", "_forward_pre_hooks", "watch_points", "end_points", "watch_node_value"],
)
def test_hooks_and_watch_points(field):
    for kind in ("TracedModule", "_ModuleState"):

        def change(top, kind=kind):
            found = stubs(top, kind)[0].state
            inner = found["state"] if kind == "_ModuleState" else found
            inner[field] = {1: top}

        assert field in str(refused(changed(change)))


@pytest.mark.parametrize("name", ["__class__", "__dict__", "__call__", 5])
def test_attribute_names_that_python_reserves(name):
    def change(top):
        stubs(top, "_ModuleState")[0].state["state"][name] = 1

    assert "the attribute" in str(refused(changed(change)))


def test_a_class_as_the_value_of_an_attribute():
    def change(top):
        top.state["forward"] = Name("megengine.module.linear", "Linear")

    assert "megengine.module.linear.Linear" in str(refused(changed(change)))


def hidden() -> Stub:
    """A call of a function outside the list, as an object without any use."""
    call = stubs(load(), "CallFunction")[0]
    call.state = {**call.state, "func": (CANARY, "f"), "inputs": [], "outputs": []}
    return call


def test_objects_that_no_graph_reaches():
    """MegEngine imports what they name when it makes them."""

    def in_the_name_space(top):
        stubs(top, "NameSpace")[0].state["_used_names"]["x"] = hidden()

    def among_the_users(top):
        stubs(top, "TensorNode")[0].state["users"].append(hidden())

    def in_the_argument_names(top):
        top.state["argspec"] = [hidden()]

    for change in (in_the_name_space, among_the_users, in_the_argument_names):
        assert f"'{CANARY}.f'" in str(refused(changed(change)))


def test_an_object_that_is_dropped_at_once():
    assert f"'{CANARY}.f'" in str(refused(b"\x80\x04" + dumps(hidden())[2:-1] + b"0N."))
