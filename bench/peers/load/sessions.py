"""Ours: sessions that differ in one feature, to see what it costs. BENCH_SESSION is the one that runs:

order       a closed loop whose replies are matched by order
key         the same, replies matched by key
due         a message every BENCH_EVERY seconds, sent by the session
heartbeat   the same message as a heartbeat, beside a session that only waits
python      three kinds of messages, written in Python: in a closed loop, or every BENCH_EVERY seconds
described   the same as the plan of a conversation
"""

import os
import re
from typing import Any

from rawsocket import Connect, Due, Heartbeat, LabSession, Request, Session, Wait
from rawsocket.conversation.plan import Expectation, FramingPlan, Plan, Step, Template, Value
from rawsocket.conversation.user import user_class

EVERY = float(os.environ["BENCH_EVERY"])
MESSAGE = b"hello from the bench"
LONG_S = 3600.0


class ByOrder(LabSession):
    """Sends the next message when the reply to the last one is there."""

    abstract = True

    def session(self) -> Session:
        """Talk all the time."""
        yield Connect()
        while True:
            yield self.message()


class ByKey(ByOrder):
    """The same; the second part of a message is its key."""

    abstract = True

    def request_key(self, payload: bytes) -> bytes:
        """Return the key of a message: its number."""
        return payload.split(b".", 2)[1]

    def reply_key(self, message: bytes) -> bytes:
        """Return the key of a reply, which is the message itself."""
        return message.split(b".", 2)[1]


class OnTheGrid(LabSession):
    """Sends the same message every EVERY seconds."""

    abstract = True

    def session(self) -> Session:
        """Wait for the next slot, send and receive."""
        yield Connect()
        while True:
            yield Due(EVERY)
            yield Request(MESSAGE, expect=MESSAGE)


class Beating(LabSession):
    """Has heartbeats and sends nothing else."""

    abstract = True

    def session(self) -> Session:
        """Begin the heartbeats, then wait."""
        yield Connect()
        yield Heartbeat(EVERY, MESSAGE, expect=MESSAGE)
        while True:
            yield Wait(LONG_S)


PING = b"PING"
GET = re.compile(rb"^GET key\d+$")


class InPython(LabSession):
    """Sends a message that is always new, one that is the user's own, and one that is always the same."""

    abstract = True

    def session(self) -> Session:
        """Send one after the other."""
        number = self.number
        yield Connect()
        while True:
            if EVERY:
                yield Due(EVERY)
            message = b"SET key%d %d" % (number, self.message_no + 1)
            yield Request(message, "set", expect=message)
            yield Request(b"GET key%d" % number, "get", expect=GET.search)
            yield Request(PING, "ping", expect=PING)


USER, NUMBER = Value("built-in", "user"), Value("built-in", "n")
SET = Template((b"SET key", USER, b" ", NUMBER))
PLAN = Plan(
    "described",
    "described.yaml",
    FramingPlan("Line", {}),
    (
        Step("send", 1, "set", SET, expect=(Expectation("exact", SET),)),
        Step("send", 2, "get", Template((b"GET key", USER)), expect=(Expectation("regex", pattern=GET.pattern),)),
        Step("send", 3, "ping", Template((PING,)), expect=(Expectation("exact", Template((PING,))),)),
    ),
)


class Described(user_class(PLAN)):  # type: ignore[misc]  # a class that is made here
    """Sends the same messages, as a plan has them."""

    abstract = True

    def option(self, name: str) -> Any:
        """Return the setting; here EVERY does not come from the lab."""
        return EVERY if name == "every" else super().option(name)


SESSIONS = {
    "order": ByOrder,
    "key": ByKey,
    "due": OnTheGrid,
    "heartbeat": Beating,
    "python": InPython,
    "described": Described,
}
CHOSEN: Any = SESSIONS[os.environ["BENCH_SESSION"]]


class Chosen(CHOSEN):  # type: ignore[misc]  # it is chosen when the program starts
    """The session that runs."""
