"""Sources with files of external data: found, hashed, and part of every key."""

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mgeconvert.build.hashing import FileHashes
from mgeconvert.build.journal import Journal
from mgeconvert.build.known import Known
from mgeconvert.build.publish import Publisher
from mgeconvert.build.source import MISSING, REFUSED, Sources
from mgeconvert.build.state import State
from mgeconvert.build.store import FolderStore
from mgeconvert.errors import UnreadableSource
from mgeconvert.frontends import external
from mgeconvert.frontends.external import located, locations
from mgeconvert.frontends.onnx import read_graph
from mgeconvert.manifest import single_job


def model(nodes=(), weights=("w",), *, outputs=("y",)):
    """Return y = x + w, with further nodes."""
    shape = [4096]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in outputs]
    tensors = [numpy_helper.from_array(np.arange(4096, dtype=np.float32), n) for n in weights]
    made = [helper.make_node("Add", ["x", "w"], ["y"]), *nodes]
    graph = helper.make_graph(made, "g", [x], results, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def elsewhere(tensor, location, offset=0):
    """Say that a tensor's data are in another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", str(offset))):
        tensor.external_data.add(key=key, value=value)
    return tensor


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "in" / "m.onnx"
    path.parent.mkdir()
    onnx.save(model(), path, save_as_external_data=True, location="m.bin", size_threshold=0)
    return path


def write(path, location, offset=0):
    made = model()
    elsewhere(made.graph.initializer[0], location, offset)
    path.write_bytes(made.SerializeToString())


def sources(tmp_path, *, rehash=False):
    return Sources(FileHashes(Journal(tmp_path / "hashes.jsonl"), rehash=rehash))


def job(path):
    return single_job(source=path, output=path.parent / "out" / "m.onnx", format="onnx")


def test_places_are_found_in_weights_and_in_attributes(path):
    value = elsewhere(numpy_helper.from_array(np.zeros(4096, np.float32), "c"), "c.bin")
    made = model([helper.make_node("Constant", [], ["c"], value=value)], ["w", "v"])
    elsewhere(made.graph.initializer[0], "b.bin")
    elsewhere(made.graph.initializer[1], "b.bin", 64)
    path.write_bytes(made.SerializeToString())
    assert locations(path) == ("b.bin", "c.bin")


def test_models_without_and_damaged_files_have_none(path):
    data = path.read_bytes()
    path.write_bytes(model().SerializeToString())
    assert locations(path) == ()
    path.write_bytes(b"")
    assert locations(path) == ()
    for end in range(len(data)):
        path.write_bytes(data[:end])
        assert locations(path) in ((), ("m.bin",))
    random = np.random.RandomState(0)
    for _ in range(300):
        damaged = np.frombuffer(data, np.uint8).copy()
        damaged[random.randint(0, len(data), 3)] = random.randint(0, 256, 3)
        path.write_bytes(damaged.tobytes())
        locations(path)


def test_more_fields_than_any_model_has_are_refused(path, monkeypatch):
    monkeypatch.setattr(external, "MAX_FIELDS", 4)
    with pytest.raises(UnreadableSource, match="more than 4 fields"):
        locations(path)


@pytest.mark.parametrize("place", ["../m.bin", "/etc/hostname", "", "a/../../m.bin", "link.bin"])
def test_places_outside_are_refused_unread_and_fail_the_conversion(path, tmp_path, place):
    (tmp_path / "m.bin").write_bytes(bytes(4 * 4096))
    (path.parent / "link.bin").symlink_to(tmp_path / "m.bin")
    with pytest.raises(UnreadableSource):
        located(path.parent, place)
    write(path, place)
    assert sources(tmp_path).of(job(path)).files == {place: REFUSED}
    with pytest.raises(Exception, match="external data"):
        read_graph(path, shapes={}, outputs=())


@pytest.mark.parametrize("offset", [8, 1 << 40, -4])
def test_places_beyond_the_file_fail_the_conversion(path, offset):
    write(path, "m.bin", offset)
    with pytest.raises(Exception, match=r"external data|bytes for a tensor"):
        read_graph(path, shapes={}, outputs=())


def test_the_key_changes_with_the_bytes_of_the_data(path, tmp_path):
    def key():
        state = State(tmp_path / "state", "x")
        store = FolderStore(tmp_path / "store")
        return Known(state, store, Publisher(state, store)).conversion_key(job(path))

    data = path.parent / "m.bin"
    first = key()
    os.utime(data)
    assert key() == first
    content = bytearray(data.read_bytes())
    content[7] ^= 1
    data.write_bytes(content)
    second = key()
    assert second != first
    data.unlink()
    assert key() not in (first, second)
    content[7] ^= 1
    data.write_bytes(content)
    assert key() == first


def test_the_content_covers_the_data_and_the_model_is_searched_once(path, tmp_path, monkeypatch):
    found = sources(tmp_path).of(job(path))
    assert set(found.files) == {"m.bin"}
    assert found.content != found.sha256
    monkeypatch.setattr("mgeconvert.build.source.locations", lambda path: ("other.bin",))
    assert sources(tmp_path).of(job(path)) == found
    assert sources(tmp_path, rehash=True).of(job(path)).files == {"other.bin": MISSING}
