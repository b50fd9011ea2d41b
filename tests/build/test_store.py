"""The store in a folder: atomic, verified, shared."""

import hashlib
import os
import time
from multiprocessing import get_context

import pytest

from mgeconvert.build.store import FolderStore, ScratchStore, Store

KEY = "ab" + "0" * 62


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "store")


def files(store):
    return sorted(path for path in store.root.rglob("*") if path.is_file())


def test_an_object_is_named_by_its_bytes_and_comes_back(store, tmp_path):
    chunks = [b"one", memoryview(b"two"), bytearray(b"three"), bytes(9 << 20)]
    sha256, size = store.put(iter(chunks))
    data = b"".join(bytes(chunk) for chunk in chunks)
    assert (sha256, size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert store.has(sha256, size)
    assert not store.has(sha256, size + 1)
    assert store.fetch(sha256, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == data


def test_a_view_of_wider_elements_is_written_as_bytes(store):
    numpy = pytest.importorskip("numpy")
    array = numpy.arange(6, dtype="<f4").reshape(2, 3)
    assert store.put([array.data])[1] == 24


def test_a_copy_is_no_link_to_the_object(store, tmp_path):
    sha256, _ = store.put([b"data"])
    store.fetch(sha256, tmp_path / "copy")
    (tmp_path / "copy").write_bytes(b"DATA")
    assert store.fetch(sha256, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == b"data"
    assert os.stat(tmp_path / "copy").st_nlink == 1


@pytest.mark.parametrize("damage", [b"", b"dat", b"DATA", b"data and more"])
def test_a_damaged_object_is_dropped_and_leaves_no_copy(store, tmp_path, damage):
    sha256, size = store.put([b"data"])
    (path,) = files(store)
    path.write_bytes(damage)
    assert not store.fetch(sha256, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    assert not store.has(sha256, size)


def test_a_missing_object_is_no_error(store, tmp_path):
    assert not store.fetch("0" * 64, tmp_path / "copy")
    assert not store.has("0" * 64, 0)


def test_a_record_comes_back_and_the_last_one_counts(store):
    assert store.record(KEY) is None
    store.put_record(KEY, {"a": [1, 2.5, "ä", None]})
    store.put_record(KEY, {"a": 2})
    assert store.record(KEY) == {"a": 2}
    store.drop_record(KEY)
    store.drop_record(KEY)
    assert store.record(KEY) is None


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"{}", b"\xff", b'{"record":{},"sha256":"0"}', b'{"record":1,"sha256":2}'],
)
def test_a_damaged_record_is_dropped(store, damage):
    store.put_record(KEY, {"a": 1})
    (path,) = files(store)
    path.write_bytes(damage)
    assert store.record(KEY) is None
    assert not path.exists()


def test_a_record_with_one_changed_character_is_dropped(store):
    store.put_record(KEY, {"sha": "aaaa"})
    (path,) = files(store)
    path.write_bytes(path.read_bytes().replace(b"aaaa", b"aaab"))
    assert store.record(KEY) is None


def test_a_failing_writer_leaves_nothing(store):
    def chunks():
        yield b"some"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.put(chunks())
    assert files(store) == []


def test_a_full_disk_leaves_nothing(store, monkeypatch):
    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.put([b"data"])
    with pytest.raises(OSError, match="No space"):
        store.put_record(KEY, {})
    assert files(store) == []


def test_what_cannot_be_read_again_is_no_object(store, monkeypatch):
    monkeypatch.setattr(os, "preadv", lambda fd, buffers, offset: 0)
    with pytest.raises(OSError, match="became shorter"):
        store.put([b"data"])
    assert files(store) == []


def test_old_leftovers_are_swept_and_new_ones_kept(store, age):
    store.put([b"data"])
    store.put_record(KEY, {})
    old = store.root / "v1/objects/.tmp-1-old"
    new = store.root / "v1/objects/.tmp-1-new"
    for path in (old, new):
        path.write_bytes(b"")
    age(old, 2 * 24 * 3600)
    store.sweep()
    assert not old.exists()
    assert new.exists()
    assert len(files(store)) == 3


def test_a_lock_keeps_other_processes_out(store, tmp_path):
    order = tmp_path / "order"
    with get_context("spawn").Pool(1) as pool:
        with store.lock(KEY):
            waiting = pool.apply_async(_locked, (store.root, order))
            time.sleep(0.5)
            with open(order, "a") as file:
                file.write("first ")
        waiting.get(20)
    assert order.read_text() == "first second"


def _locked(root, order):
    with FolderStore(root).lock(KEY), open(order, "a") as file:
        file.write("second")


def test_a_trusted_object_is_not_read_again(store, tmp_path):
    sha256, _ = store.put([b"data"])
    (path,) = files(store)
    path.write_bytes(b"DATA")
    store.trust(sha256)
    assert store.fetch(sha256, tmp_path / "copy")


def test_a_scratch_store_gives_its_objects_away(tmp_path):
    store: Store = ScratchStore(tmp_path / "store")
    sha256, size = store.put([b"data"])
    assert store.fetch(sha256, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"data"
    assert not store.has(sha256, size)
    assert not store.fetch(sha256, tmp_path / "again")


DAY = 24 * 3600


def age(path, days):
    os.utime(path, (time.time() - days * DAY,) * 2)


def test_what_nobody_used_for_long_is_collected(store):
    kept, gone, fresh = (store.put([data])[0] for data in (b"kept", b"gone", b"fresh"))
    keys = {name: f"{index}" * 64 for index, name in enumerate(("new", "old", "shared"))}
    store.put_record(keys["new"], {"files": [{"sha256": kept}]})
    store.put_record(keys["old"], {"files": [{"sha256": gone}, {"sha256": kept}]})
    store.put_record(keys["shared"], {"sha256": kept})
    for path in files(store):
        age(path, 40 if path.name in (keys["old"], gone, kept) else 0)
    found = store.collect(days=30, remove=False)
    assert (found.records, found.objects, found.size) == (1, 1, 4)
    assert len(files(store)) == 6
    assert store.collect(days=30) == found
    assert {path.name for path in files(store)} == {keys["new"], keys["shared"], kept, fresh}
    assert store.collect(days=30).records == 0


def test_a_record_that_is_read_is_in_use(store):
    store.put_record(KEY, {"a": 1})
    (path,) = files(store)
    age(path, 40)
    assert store.record(KEY) == {"a": 1}
    assert store.collect(days=30).records == 0
    age(path, 40)
    assert store.collect(days=30).records == 1
    assert store.record(KEY) is None
