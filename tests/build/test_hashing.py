"""Hashes of data and of files, and when a cached one is trusted."""

import errno
import hashlib
import os
import time

import pytest

from mgeconvert.build import hashing
from mgeconvert.build.hashing import FileHashes, canonical, sha256_data, sha256_file
from mgeconvert.build.journal import Journal


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """A cache of hashes, and the files that were read."""
    read = []

    def spy(path):
        read.append(os.path.basename(path))
        return sha256_file(path)

    monkeypatch.setattr(hashing, "sha256_file", spy)
    return FileHashes(Journal(tmp_path / "hashes.jsonl")), read


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"data")
    return path


def later(monkeypatch, seconds=10):
    """Let the clock run ahead, as if the files had been left alone that long."""
    now = time.time_ns()
    monkeypatch.setattr(hashing.time, "time_ns", lambda: now + seconds * 10**9)


def test_canonical_data_does_not_depend_on_order():
    assert canonical({"b": 1, "a": ["ä", 0.1]}) == '{"a":["ä",0.1],"b":1}'.encode()
    assert sha256_data({"a": 1, "b": 2}) == sha256_data({"b": 2, "a": 1})
    assert sha256_data({"a": 1}) != sha256_data({"a": 1.0})


def test_data_that_json_cannot_say_is_refused():
    with pytest.raises(ValueError):
        canonical(float("nan"))


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_a_file_is_hashed_whole(tmp_path, size):
    data = os.urandom(size)
    (tmp_path / "file").write_bytes(data)
    assert sha256_file(tmp_path / "file") == hashlib.sha256(data).hexdigest()


def test_an_old_file_is_hashed_once(counted, file, monkeypatch):
    hashes, read = counted
    later(monkeypatch)
    assert hashes.of(file) == hashes.of(file) == hashlib.sha256(b"data").hexdigest()
    assert read == ["file"]
    assert hashes.knows(file)


def test_a_young_file_is_hashed_again(counted, file, monkeypatch):
    hashes, read = counted
    later(monkeypatch, 1)
    hashes.of(file)
    hashes.of(file)
    assert read == ["file", "file"]
    assert not hashes.knows(file)


def test_a_new_inode_with_the_same_times_and_size_is_hashed_again(
    counted, file, tmp_path, monkeypatch
):
    hashes, _ = counted
    later(monkeypatch)
    first = hashes.of(file)
    stat = file.stat()
    other = tmp_path / "other"
    other.write_bytes(b"DATA")
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    os.replace(other, file)
    assert hashes.of(file) != first


def test_the_cache_is_read_by_the_next_run_and_by_the_other_one(counted, file, monkeypatch):
    hashes, read = counted
    journal = hashes._journal.path
    other = FileHashes(Journal(journal))
    later(monkeypatch)
    hashes.of(file)
    FileHashes(Journal(journal)).of(file)
    other._journal.refresh()
    other.of(file)
    assert read == ["file"]


def test_rehash_reads_every_file_once(counted, file, monkeypatch):
    hashes, read = counted
    later(monkeypatch)
    hashes.of(file)
    again = FileHashes(Journal(hashes._journal.path), rehash=True)
    assert not again.knows(file)
    again.of(file)
    again.of(file)
    assert read == ["file", "file"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_costs_no_hash(counted, file, monkeypatch, code):
    hashes, read = counted
    later(monkeypatch)

    def full(fd, data):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "write", full)
    assert hashes.of(file) == hashes.of(file) == sha256_file(file)
    assert hashes.names_in("ab", "kind", lambda: ["name"]) == ("name",)
    assert read == ["file"]


def test_other_errors_of_the_cache_are_told(counted, file, monkeypatch):
    def broken(fd, data):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "write", broken)
    with pytest.raises(OSError, match="Input/output"):
        counted[0].of(file)


def test_what_is_no_file_has_no_hash(counted, tmp_path):
    hashes, _ = counted
    assert hashes.maybe(tmp_path / "absent") is None
    assert hashes.maybe(tmp_path) is None
    with pytest.raises(FileNotFoundError):
        hashes.of(tmp_path / "absent")
