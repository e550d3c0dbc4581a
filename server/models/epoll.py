"""What came after select: the same loop, on the poller that is told of interest once instead of in every call."""

from typing import ClassVar

from server.models.base import LoopModel
from server.readiness.pollers import EpollPoller, Poller


class EpollModel(LoopModel):
    """The readiness loop on epoll. Who is silent costs nothing, and only the descriptor limit bounds their number."""

    poller: ClassVar[type[Poller]] = EpollPoller
