"""Every EVERY seconds all sessions drop at once and connect again at once; it is told how long that takes for all.

So it is when a server restarts, a proxy is replaced or a network comes back: everybody is there in the same moment. A
storm begins when the wall clock shows a whole multiple of EVERY seconds, the same moment on all workers, and not before
all users are there. Each one stands in the verdict's `storms`: how many dropped, how many came back, and after how
many seconds the last of them was held and had its first reply. A connect that fails is repeated after a back-off.
"""

import time

from rawsocket import Close, Connect, LabSession, Session, Wait

CALM = 1.0  # seconds between two looks whether all users are there


class Storm(LabSession):
    """Holds a connection, and drops it in each storm."""

    holds = False  # not all the time

    storm: int | None = None  # the one that this user is coming back from: its moment in seconds of the wall clock

    def session(self) -> Session:
        """Connect and say one thing; wait for the storm; drop, and come back."""
        yield Connect()
        yield self.message()
        if self.storm is not None:
            self.recorder.storm(self.storm, came_back_after=time.time() - self.storm)
            self.storm = None
        while (since := self.all_there()) is None:
            yield Wait(CALM)
        every = self.every or 10.0
        storm = (max(time.time(), since + 2 * CALM) // every + 1) * every  # by then everybody has looked
        yield Wait(storm - time.time())
        self.storm = int(storm)
        self.recorder.storm(self.storm)
        yield Close()
