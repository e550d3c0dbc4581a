"""The expected failure of each faulty server of echo.py, for both kinds of users."""

# Mode, the events of a connection on which one message is sent, and how the ledger counts that message.
BAD_ANSWERS = [
    ("full", [("connect", "server-full"), ("message", "server-full")], "unanswered"),
    ("full_when_spoken_to", [("connect", "server-full"), ("message", "server-full")], "unanswered"),
    ("drip_full", [("connect", "server-full"), ("message", "server-full")], "unanswered"),
    ("error_line", [("connect", "ok"), ("message", "wrong")], "wrong"),
    ("close_when_spoken_to", [("connect", "ok"), ("message", "closed")], "unanswered"),
    ("reset_when_spoken_to", [("connect", "ok"), ("message", "reset")], "unanswered"),
    ("part_then_close", [("connect", "ok"), ("message", "closed")], "unanswered"),
    ("short", [("connect", "ok"), ("message", "short")], "wrong"),
    ("longer", [("connect", "ok"), ("message", "too-long")], "wrong"),
    ("endless", [("connect", "ok"), ("message", "too-long")], "wrong"),
    ("wrong", [("connect", "ok"), ("message", "wrong")], "wrong"),
]

# Mode, and the events of a connection without messages.
LOSSES = [
    ("full", [("connect", "server-full")]),
    ("drip_full", [("connect", "server-full")]),
    ("close_at_once", [("connect", "ok"), ("drop", "closed")]),
    ("reset", [("connect", "ok"), ("drop", "reset")]),
    ("push", [("connect", "ok"), ("drop", "wrong")]),
    ("push_part", [("connect", "ok"), ("drop", "wrong")]),
]


def may_be(mode: str, outcomes: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Return what may be seen of a loss: a reset that comes before the client has noticed its connect fails that."""
    return [outcomes, [("connect", "reset")]] if mode == "reset" else [outcomes]
