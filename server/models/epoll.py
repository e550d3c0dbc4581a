"""What came after select: the same loop, on a poller that keeps the interest instead of getting it in every call."""

from typing import ClassVar

from server.models.base import LoopModel
from server.readiness.pollers import EpollPoller, Poller


class EpollModel(LoopModel):
    """The readiness loop on epoll. Silent connections cost nothing; only the descriptor limit bounds their number."""

    poller: ClassVar[type[Poller]] = EpollPoller
