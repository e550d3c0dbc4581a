"""The steps of a script."""

from lab.recording.script.steps import Script, Step


def test_nothing_is_shared_between_scripts() -> None:
    first, second = Script("line", "tcp://127.0.0.1:1"), Script("line", "tcp://127.0.0.1:1")
    first.connect.append(Step())
    first.connect[0].notes.append("a guess")
    assert second.connect == []
    assert Step().notes == []
