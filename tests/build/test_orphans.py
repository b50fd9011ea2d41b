"""Published files whose job has left the manifest, and what cleaning removes."""

import pytest

from mgeconvert.build.plan import Build
from mgeconvert.errors import ConversionFailed


@pytest.fixture
def built(project):
    project.model("a")
    project.model("b")
    project.run()
    return project


def orphans(project):
    build = project.build()
    return [(file.job, file.path.name) for file in build.engine.publisher.orphans(build.jobs)]


def names(paths):
    return [path.name for path in paths]


def test_a_job_that_left_leaves_an_orphan_and_cleaning_removes_it(built):
    path = built.artifact("a")
    built.drop("a")
    assert orphans(built) == [("a:onnx", "a.onnx")]
    assert path.exists()
    cleaned = built.build().clean()
    assert (names(cleaned.removed), names(cleaned.changed)) == (["a.onnx"], [])
    assert not path.parent.parent.exists()  # no empty folders stay
    assert orphans(built) == []
    assert built.artifact("b").exists()


def test_a_disabled_job_and_a_moved_output_leave_orphans(built):
    built.model("a", targets='[models.a.targets.onnx]\nenabled = false\nreason = "no"\n')
    built.model("b", keys='output = "elsewhere"')
    assert orphans(built) == [("a:onnx", "a.onnx"), ("b:onnx", "b.onnx")]


def test_a_changed_orphan_is_left_unless_forced(built, age):
    path = built.artifact("a")
    path.write_text("edited")
    age(path)
    built.drop("a")
    cleaned = built.build().clean()
    assert (names(cleaned.removed), names(cleaned.changed)) == ([], ["a.onnx"])
    assert path.read_text() == "edited"
    assert orphans(built) == [("a:onnx", "a.onnx")]
    assert names(built.build().clean(force=True).removed) == ["a.onnx"]
    assert not path.exists()


def test_cleaning_touches_nothing_that_was_not_recorded(built):
    folder = built.artifact("a").parent
    (folder / "a.onnx.bak").write_text("mine")
    (folder / "c.onnx").write_text("mine")
    built.build().clean(["*"])
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == [
        "a.onnx.bak",
        "c.onnx",
    ]


def test_an_orphan_that_is_gone_already_is_forgotten(built):
    built.artifact("a").unlink()
    built.drop("a")
    built.build().clean()
    assert orphans(built) == []


def test_cleaning_named_jobs(built):
    cleaned = built.build().clean(["b"])
    assert names(cleaned.removed) == ["b.onnx"]
    assert built.run() == {"check b:onnx": "restored"}
    with pytest.raises(ConversionFailed, match="'c' is no job"):
        built.build().clean(["c"])


def test_two_manifests_in_one_folder_do_not_see_each_other(built):
    other = built.folder / "other.toml"
    other.write_text("format = 1\n[models.x]\nsource = 'a.tm'\ntargets.onnx = {}\n")
    built.drop("a")
    build = Build(other)
    assert build.engine.publisher.orphans(build.jobs) == ()
    assert orphans(built) == [("a:onnx", "a.onnx")]
