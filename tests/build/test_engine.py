def test_first_run_converts_checks_and_publishes(project):
    project.model("a")
    assert project.run() == {"convert a:onnx": "made", "check a:onnx": "made"}
    assert project.artifact("a").read_bytes() == b"opset 17\ndata a"
    assert project.run() == {}
