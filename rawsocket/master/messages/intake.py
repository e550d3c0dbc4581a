"""The one place where the master reads what workers send.

Locust decodes a message and takes its fields as they come: one that it can't read ends the greenlet that reads all of
them, and the master is deaf for good. Rules:

- A message is passed on to Locust only if it could be decoded, is of the sender that it names, and its data are what
  rules.py says.
- A worker that sends anything else is lost, with the reason: the run is unknown, and goes on.
- A worker's name is a short printable text: it goes into logs, the page and reports, and Locust logs it as it is.
- A sender that never joined is no worker. What it sends is dropped, and said once.
- What fails while a message is handled ends no greenlet either; its sender is lost.
"""

import logging
from collections.abc import Callable, Sequence

from locust.rpc.protocol import Message

from rawsocket.master.messages import rules
from rawsocket.measurement.report import ReportError

NAME = 200  # characters of a worker's name at most; Locust's own have the machine's name and 33 more
STRANGERS = 20  # of which each is named in the log
SHOWN = 60  # characters of a name or an error
logger = logging.getLogger(__name__)


class Intake:
    """Reads messages; `lose(worker, reason)` is called for a worker that sends what can't be read."""

    def __init__(self, lose: Callable[[str, str], None]) -> None:
        self._lose = lose
        self._joined: set[str] = set()
        self._strangers: set[str] = set()

    def read(self, frames: Sequence[bytes]) -> tuple[str, Message] | None:
        """Return sender and message, None if it is refused; `frames` are those of ZeroMQ: the sender's name first."""
        sender = bytes(frames[0]).decode(errors="backslashreplace") if frames else ""
        try:
            message = _decoded(frames[1:], sender)
            rules.check(message.type, message.data)
        except ReportError as error:
            self._refuse(sender, f"it sent what can't be read ({_short(error)}): does it run the master's version?")
            return None
        if message.type == "client_ready":
            self._joined.add(sender)
        elif sender not in self._joined and message.type not in rules.FROM_ANYONE:
            self._refuse(sender, f"it sent {_short(message.type)} and never joined")
            return None
        return sender, message

    def failed(self, sender: str, message: Message, error: Exception) -> None:
        """Note that handling a message raised."""
        logger.debug("in the handler of %s", message.type, exc_info=error)
        said = f"{type(error).__name__}: {_short(error)}"
        self._refuse(sender, f"its message {_short(message.type)} could not be handled ({said})")

    def _refuse(self, sender: str, reason: str) -> None:
        if sender in self._joined:
            self._lose(sender, reason)
        elif sender not in self._strangers and len(self._strangers) < STRANGERS:
            self._strangers.add(sender)
            logger.warning("%s, which is no worker of this master: %s", _short(repr(sender)), reason)


def _decoded(frames: Sequence[bytes], sender: str) -> Message:
    """Return the message in the frames after the sender's name; raises ReportError."""
    if len(frames) != 1:
        raise ReportError(f"{len(frames)} parts instead of one")
    try:
        message: Message = Message.unserialize(bytes(frames[0]))
    except Exception as error:  # msgpack and Locust's hook for its objects raise whatever they meet
        raise ReportError(f"its {len(frames[0])} bytes are no message: {type(error).__name__}") from error
    if type(message.type) is not str:
        raise ReportError("its type must be a text")
    if not sender.isprintable() or not 0 < len(sender) <= NAME:
        raise ReportError(f"its name must be a printable text of 1 to {NAME} characters")
    if message.node_id != sender:
        raise ReportError(f"it is in the name of {_short(repr(message.node_id))}")
    return message


def _short(said: object) -> str:
    """Return a text of one line and limited length: it goes into logs, the page and reports."""
    whole = "".join(one if one.isprintable() else "?" for one in str(said))
    return whole if len(whole) <= SHOWN else f"{whole[:SHOWN]}..."
