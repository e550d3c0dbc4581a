"""Long-lived greenlets of master and worker. One that ends unasked is known by its name, and listeners are told.

Every greenlet that has to live as long as its process is started here: gevent prints the traceback of one that dies,
and nothing else would notice. Greenlets that end by themselves (a query, a stop) are plain `gevent.spawn`.
"""

import logging
import traceback
from collections.abc import Callable
from typing import Any

import gevent

Listener = Callable[[str, str], None]
logger = logging.getLogger(__name__)


class Tasks:
    """The tasks of one process; `dead` has the reason for each name."""

    def __init__(self) -> None:
        self.dead: dict[str, str] = {}
        self._listeners: list[Listener] = []

    def start(self, name: str, function: Callable[..., object], *arguments: Any, forever: bool = True) -> Any:
        """Run `function` in a greenlet and return it. If it raises, or returns although it is to run forever, it died.

        A task that is killed on purpose (GreenletExit) did not die.
        """
        return gevent.spawn(self._run, name, function, arguments, forever)

    def listen(self, listener: Listener) -> None:
        """Call `listener(name, reason)` for each task that dies."""
        self._listeners.append(listener)

    def _run(self, name: str, function: Callable[..., object], arguments: tuple[Any, ...], forever: bool) -> None:
        try:
            function(*arguments)
        except Exception as error:
            logger.exception("the task %r died", name)
            frame = traceback.extract_tb(error.__traceback__)[-1]
            self._died(name, f"{type(error).__name__} at {frame.filename}:{frame.lineno}: {error}")
        else:
            if forever:
                self._died(name, "it ended")

    def _died(self, name: str, reason: str) -> None:
        self.dead[name] = reason
        for listener in self._listeners:
            listener(name, reason)


#: The process's own.
TASKS = Tasks()
