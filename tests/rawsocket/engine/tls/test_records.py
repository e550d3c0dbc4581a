import pytest

from rawsocket.engine.tls.records import HEADER, Records


def record(size: int) -> bytes:
    return b"\x16\x03\x03" + size.to_bytes(2, "big") + b"x" * size


@pytest.mark.parametrize("step", [1, 2, 3, 100, 65_536])
def test_reads_end_where_records_end(step: int):
    stream = record(0) + record(1) + record(300) + record(16_640)
    ends, records, at = [], Records(), 0
    while at < len(stream):
        data = stream[at : at + min(step, records.left)]
        records.add(data)
        at += len(data)
        if records.at_boundary:
            ends.append(at)
    assert ends == [5, 11, 316, len(stream)]


def test_first_read_is_a_header():
    assert Records().left == HEADER
    assert Records().at_boundary
