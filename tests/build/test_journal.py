"""The append-only mapping: several writers, torn lines, compaction."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgeconvert.build import journal as module
from mgeconvert.build.journal import Journal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "journal.jsonl"


def test_what_is_put_is_there_for_the_next_reader(path):
    journal = Journal(path)
    journal.put("a", {"n": 1})
    journal.put("b", {"n": 2})
    journal.put("a", {"n": 3})
    journal.drop("b")
    journal.drop("absent")
    assert list(Journal(path).items()) == [("a", {"n": 3})]


def test_reading_makes_no_file(path):
    assert list(Journal(path).items()) == []
    assert not path.exists()


def test_an_equal_entry_is_not_written_again(path):
    journal = Journal(path)
    journal.put("a", {"n": 1})
    size = path.stat().st_size
    journal.put("a", {"n": 1})
    assert path.stat().st_size == size


def test_another_process_is_seen_after_a_refresh(path):
    one, two = Journal(path), Journal(path)
    one.put("a", {})
    assert two.get("a") is None
    two.put("b", {})
    two.refresh()
    one.refresh()
    assert list(one.items()) == list(two.items()) == [("a", {}), ("b", {})]


@given(st.integers(min_value=0, max_value=60))
def test_a_torn_end_loses_the_last_lines_only(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("journal") / "j"
    journal = Journal(path)
    for name in "abc":
        journal.put(name, {"value": name * 5})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - min(cut, len(data))])
    read = dict(Journal(path).items())
    assert all(entry == {"value": name * 5} for name, entry in read.items())
    whole = path.read_bytes().count(b"\n")
    assert len(read) == whole


def test_a_torn_line_is_ignored_and_what_follows_is_not(path):
    Journal(path).put("a", {})
    with open(path, "ab") as file:
        file.write(b'["torn", {"x"\n[1]\n"text"\n{}\n')
    Journal(path).put("b", {})
    assert [name for name, _ in Journal(path).items()] == ["a", "b"]


def test_compaction_keeps_what_counts_and_other_writers_go_on(path, monkeypatch):
    monkeypatch.setattr(module, "SLACK", 5)
    old = Journal(path)
    for n in range(20):
        old.put("a", {"n": n})
    size = path.stat().st_size
    new = Journal(path)
    assert path.stat().st_size < size
    assert new.get("a") == {"n": 19}
    old.put("b", {})
    new.refresh()
    assert new.get("b") == {}


def test_many_writers_lose_nothing(path):
    code = (
        "import sys; from pathlib import Path; from mgeconvert.build import journal;"
        "journal.SLACK = 20\n"
        "for n in range(60):\n"
        "    journal.Journal(Path(sys.argv[1])).put(f'{sys.argv[2]}-{n}', {'n': n})\n"
        "    journal.Journal(Path(sys.argv[1])).put('same', {'n': sys.argv[2] + str(n)})"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), str(n)]) for n in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    names = [name for name, _ in Journal(path).items()]
    assert sorted(names) == sorted(["same", *(f"{w}-{n}" for w in range(3) for n in range(60))])


@pytest.fixture
def full(monkeypatch):
    """A disk that takes no more than a few bytes of a line."""
    write = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda fd, data: write(fd, data[:5]))
        yield patched


def test_what_a_full_disk_does_not_take_holds_for_this_process(path, full):
    journal = Journal(path)
    with pytest.raises(OSError, match="No space left"):
        journal.put("a", {"n": 1})
    journal.refresh()
    assert journal.get("a") == {"n": 1}
    assert Journal(path).get("a") is None


def test_a_line_that_a_full_disk_cut_off_does_not_spoil_the_next_one(path, full):
    journal = Journal(path)
    with pytest.raises(OSError, match="No space left"):
        journal.put("a", {"n": 1})
    full.undo()
    Journal(path).put("b", {"n": 2})
    assert list(Journal(path).items()) == [("b", {"n": 2})]
