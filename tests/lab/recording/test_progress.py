"""What a recording shows while it runs."""

import pytest

from lab.recording.progress import Progress
from lab.recording.proxy import Live, Proxy
from lab.recording.traffic import Piece


def test_a_line_when_something_has_happened(capsys: pytest.CaptureFixture[str]) -> None:
    proxy = Proxy("127.0.0.1", 1)
    progress = Progress(proxy)
    proxy.connections.append(Live(pieces=[Piece(0, True, b"x" * 1200), Piece(0, False, b"yy")]))
    progress.show()
    progress.show()  # too soon
    proxy.ended = 1
    progress.end()
    progress.end()  # nothing new
    assert capsys.readouterr().err.splitlines() == [
        "1 connection (1 open), 1,200 bytes sent, 2 received",
        "1 connection (0 open), 1,200 bytes sent, 2 received",
    ]
