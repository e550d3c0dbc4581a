import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from locustfiles.protocols import _websocket as ws


def test_frame_of_a_client_has_a_mask_that_changes_nothing():
    frame = ws.FRAME.frame(ws.TEXT, b"hello")
    assert frame == b"\x81\x05hello"
    assert ws.FRAMES.encode(frame) == b"\x81\x85\0\0\0\0hello"


def test_frames_of_a_server_have_no_mask():
    decoder = ws.FRAMES.decoder()
    assert decoder.feed(b"\x81\x05hello\x89\x00\x81") == [b"\x81\x05hello", b"\x89\x00"]
    assert decoder.pending == 1


def test_each_upgrade_has_a_key_of_its_own():
    assert ws.upgrade() != ws.upgrade()
    assert ws.upgrade().endswith(b"==\r\n\r\n")
