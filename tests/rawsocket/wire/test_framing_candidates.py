"""The framings that are tried."""

from rawsocket.wire.framing import Delimiter, Fixed, IdleGap, LengthField, UntilClosed
from rawsocket.wire.framing_candidates import KNOWN, by_length, by_mark, by_text, unframed
from tests.support.framings import BGP, MEMCACHED, MODBUS, MQTT, MYSQL, POSTGRES


def test_formats_of_known_protocols_are_among_them() -> None:
    assert {MODBUS, POSTGRES, MEMCACHED, MYSQL, BGP, MQTT} <= set(KNOWN)
    assert set(KNOWN) <= {each.framing for each in by_length([])}


def test_known_format_costs_less_than_one_made_from_the_bytes() -> None:
    turns = [bytes(8) + b"\0\0\0\2" + bytes(14)]
    costs: dict[object, float] = {}
    for each in by_length(turns):
        costs[each.framing] = min(each.cost, costs.get(each.framing, 99))
    assert costs[MEMCACHED] < costs[LengthField(offset=9, size=3, adjust=12)]


def test_end_of_a_single_turn_is_no_mark() -> None:
    alone = {each.framing for each in by_mark([b"one#;"])}
    assert Delimiter(b"#;") not in alone
    assert Delimiter(b"#;") in {each.framing for each in by_mark([b"one#;", b"two#;"])}


def test_letters_are_no_mark() -> None:
    assert Delimiter(b"e") not in {each.framing for each in by_mark([b"one", b"twoe"])}


def test_fixed_size_if_all_turns_have_it() -> None:
    assert Fixed(3) in {each.framing for each in by_mark([b"one", b"two", b"ten"])}
    assert Fixed(3) not in {each.framing for each in by_mark([b"one", b"two"])}
    assert Fixed(3) not in {each.framing for each in by_mark([b"one", b"three"])}


def test_framings_of_text_have_different_costs_from_nothing() -> None:
    assert len(list(by_text())) >= 5


def test_end_of_the_connection_fits_a_single_message() -> None:
    assert unframed(1, closed=True) == [UntilClosed(), IdleGap(0.05)]
    assert unframed(2, closed=True) == unframed(1, closed=False) == [IdleGap(0.05)]
