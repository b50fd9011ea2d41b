"""A report with a job in each state, for the tests of its renderings."""

from mgeconvert.report.document import FileRow, JobRow, Orphan, Report, Work

PROBLEM = {
    "code": "unsupported-op",
    "problem": "no rule for <Foo & Bar>",
    "at": {"stage": "traced", "op": "Foo", "name": "x_out", "path": "net.block.0"},
    "hint": "write the model without it",
}
COMPARISON = {
    "output": "out|0",
    "got_dtype": "float32",
    "want_dtype": "float32",
    "got_shape": [1, 10],
    "want_shape": [1, 10],
    "size": 10,
    "max_abs": 2.5e-6,
    "max_rel": 1e-4,
    "cosine": 1.0,
    "snr_db": "inf",
    "outside": 0,
    "outside_share": 0.0,
    "nonfinite_mismatches": 0,
    "worst": None,
    "problems": [],
}


def job(name, state="passed", **changes):
    model, target = name.split(":")
    made = state in ("passed", "unchecked")
    values = {
        "name": name,
        "model": model,
        "target": target,
        "format": "onnx",
        "state": state,
        "reason": "",
        "description": "",
        "license": "",
        "tags": (),
        "source": f"{model}.tm",
        "files": (
            FileRow(
                name=f"{model}.onnx",
                path=f"build/{model}/{target}/{model}.onnx",
                sha256="ab" * 32,
                size=123_456,
                published=True,
            ),
        )
        if made
        else (),
        "notes": ("folded 3 nodes",) if made else (),
        "problems": (PROBLEM,) if state in ("failed", "expected") else (),
        "settings": {"opset": 17, "stem": model},
        "check_settings": {"rtol": 1e-3, "atol": 1e-4},
        "limits": {"time": 600.0, "memory": 4 << 30},
        "made_from": {"source": "cd" * 32, "libraries": {"onnx": "1.23.2"}},
        "check": {"cases": [{"name": "random", "runs": 2, "comparisons": [COMPARISON]}]}
        if state == "passed"
        else {},
        "conversion": Work(key="k1", action="made", seconds=0.5, peak_memory=10**8),
        "checking": Work(key="k2", action="made", seconds=1.25, peak_memory=2 * 10**8),
    }
    return JobRow(**{**values, **changes})


def report(*jobs, **changes):
    values = {
        "manifest": "models.toml",
        "converter": "mgeconvert 2.0",
        "interrupted": False,
        "jobs": jobs,
        "orphans": (),
    }
    return Report(**{**values, **changes})


FULL = report(
    job("net:onnx", description="A <net> & more", license="MIT", tags=("small",)),
    job("net:onnx-11", "unchecked"),
    job("bad:onnx", "failed", conversion=Work(action="failed", seconds=0.1, output="a\x1b[31m\0b")),
    job("known:onnx", "expected", reason="a limit of the format"),
    job("old:caffe", "disabled", reason="no reader", conversion=Work(), checking=Work()),
    job("late:onnx", "missing", conversion=Work(), checking=Work()),
    orphans=(Orphan(path="build/x.onnx", job="x:onnx", size=9, changed=True),),
)
EMPTY = report()
