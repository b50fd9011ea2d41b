"""What a build reads from the plain data of a check and of a diagnosis."""

import pytest

from mgeconvert.build.failed import failed_case, first_wrong, problems_of
from mgeconvert.diagnose.result import Diagnosis, Section

RIGHT, WRONG = {"problems": []}, {"problems": ["it differs"]}


@pytest.mark.parametrize(
    ("details", "case"),
    [
        ({}, ""),
        ({"problems": ["the outputs are named otherwise"], "cases": []}, ""),
        ({"problems": [], "cases": [{"name": "a", "comparisons": [RIGHT]}]}, ""),
        (
            {
                "problems": ["it differs"],
                "cases": [
                    {"name": "a", "comparisons": [RIGHT, RIGHT]},
                    {"name": "b", "comparisons": [RIGHT, WRONG]},
                ],
            },
            "b",
        ),
        ({"problems": ["classes"], "cases": [{"name": "a", "comparisons": [RIGHT]}]}, "a"),
    ],
)
def test_the_case_that_failed(details, case):
    assert failed_case(details) == case
    assert len(problems_of(details)) == len(details.get("problems", ()))


def test_rounded_models_are_told_to_look_at_their_random_inputs_first():
    details = {"problems": ["random 1: noisy", "sample, all rows: noisy"], "min_snr": 30.0}
    hints = [problem["hint"] for problem in problems_of(details)]
    assert "a range or a sample" in hints[0]
    assert hints[1] == ""
    assert [p["hint"] for p in problems_of({**details, "min_snr": None})] == ["", ""]


def test_a_diagnosis_without_a_difference_says_so():
    section = Section("passes", "after", "before", compared=3)
    found = Diagnosis("m", "case", {"rtol": 0.1}, (section,))
    assert Diagnosis.from_dict(found.as_dict()) == found
    told = first_wrong(found.as_dict())
    assert str(told) == (
        "diagnosis: no stage changes a tensor by more than the tolerances [check-failed]"
    )


def test_what_kept_a_diagnosis_from_being_made_is_told():
    assert first_wrong({"problems": [{"problem": "no memory"}]}).problem == "it failed: no memory"
    section = Section("frontend", "it", "MegEngine", problem="MegEngine is absent")
    told = first_wrong(Diagnosis("m", "case", {}, (section,)).as_dict())
    assert "frontend: MegEngine is absent" in told.problem


def test_rounding_comes_after_what_is_more():
    slight = Section("frontend", "a", "b", culprit="p", slight=True)
    more = Section("backend", "a", "b", culprit="q")
    assert Diagnosis("m", "c", {}, (slight, more)).first is more
    assert Diagnosis("m", "c", {}, (slight,)).first is slight
