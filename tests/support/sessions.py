"""Sessions that many tests run on a local runner, and the settings that they run with. Imports Locust."""

from typing import Any

from rawsocket import Connect, LabSession, Session, Wait
from tests.support.local_run import LONG, Run

OPTIONS: dict[str, Any] = {
    "every": 0.05, "size": 20, "app": "echo", "framing": "line", "pace": "open", "arrivals": "even",
}  # fmt: skip


def start(user_class: type[Any], url: str, users: int = 3, **options: Any) -> Run:
    return Run(user_class, url, users, **(OPTIONS | options))


class Talker(LabSession):
    def session(self) -> Session:
        yield Connect()
        while True:
            yield self.pause()
            yield self.message()


class Silent(LabSession):
    def session(self) -> Session:
        yield Connect()
        yield Wait(LONG * 10)
