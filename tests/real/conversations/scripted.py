"""A server that plays one dialogue with each connection, and keeps what the first of them has sent."""

import re

from tests.real.conversations.dialogues import Dialogue
from tests.real.small_servers import Handler


class Scripted(Handler):
    """Subclasses have a `dialogue`. `heard`: each message of the first connection that has matched, and the rest."""

    dialogue: Dialogue
    heard: list[bytes] | None = None

    def handle(self) -> None:
        heard, rest, todo = [], b"", list(self.dialogue)
        while True:
            while todo and (found := re.match(todo[0][0], rest)):
                heard.append(found[0])
                rest = rest[found.end() :]
                self.wfile.write(todo.pop(0)[1])
            data = self.request.recv(65_536)
            if not data:
                break
            rest += data
        if type(self).heard is None:
            type(self).heard = [*heard, rest]


def server_of(dialogue: Dialogue) -> type[Scripted]:
    """Return the handler for a dialogue."""
    return type("Server", (Scripted,), {"dialogue": dialogue})
