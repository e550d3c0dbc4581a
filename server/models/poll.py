"""Select without FD_SETSIZE: the same loop, on the call that takes a list instead of bit fields."""

from typing import ClassVar

from server.models.base import LoopModel
from server.readiness.pollers import Poller, PollPoller


class PollModel(LoopModel):
    """The readiness loop on poll. It has no limit at 1,024, but the kernel still checks every connection every call."""

    poller: ClassVar[type[Poller]] = PollPoller
