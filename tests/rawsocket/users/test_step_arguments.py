import pytest

from rawsocket.users import step_arguments
from rawsocket.wire.framing import Framing, Line


def test_arguments_of_the_right_type_pass():
    step_arguments.check_message(b"x", "row")
    step_arguments.check_message(bytearray(b"x"), "row")
    step_arguments.check_function("until", len)
    step_arguments.check_instance("framing", Line(), Framing)


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (lambda: step_arguments.check_message("text", "row"),
         "payload='text': must be bytes, not str: use b\"...\" or .encode()"),
        (lambda: step_arguments.check_message(3, "row"), "payload=3: must be bytes, not int"),
        (lambda: step_arguments.check_message(b"x", 3), "name=3: the name of a row must be a text, not int"),
        (lambda: step_arguments.check_function("until", 3), "until=3: must be a function, not int"),
        (lambda: step_arguments.check_instance("framing", Line, Framing),
         "framing=<class 'rawsocket.wire.framing_marks.Line'>: must be a Framing, not the class Line"),
    ],
)  # fmt: skip
def test_wrong_type_is_one_clear_line(check, said: str):
    with pytest.raises(TypeError) as raised:
        check()
    assert str(raised.value) == said


def test_long_value_is_cut():
    with pytest.raises(TypeError) as raised:
        step_arguments.check_bytes("data", "x" * 1000)
    assert len(str(raised.value)) < 130
