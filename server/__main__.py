"""`python -m server`: settings, then signals, log, listener, model; and the only sys.exit.

Exit status: 0 after a stop signal was carried out, 1 if a process of several was lost over that, 2 for a setting that
can't be used (one line on stderr says what is wrong, what was expected and what to do), 3 for a model that came to the
end that it is there to show.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from server.models import load
from server.models.base import Died, Model
from server.monitoring.log import LogRing, ThreadlessLog
from server.service import assembled
from server.settings import Settings, UsageError, parse
from server.system.limits import processes, raise_descriptor_limit
from server.system.signals import StopRequests


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Serve until stopped; return the exit status."""
    if sys.stderr is None:  # Closed by whoever started it.
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - for the rest of the process
    try:
        return serve(parse(argv, environ))
    except UsageError as problem:
        sys.stderr.write(f"holdfast server: {problem}\n")
        return 2
    except Died as end:
        sys.stderr.write(f"holdfast server: {end}\n")
        return 3


def serve(settings: Settings) -> int:
    """Serve as `settings` say, until a signal stops it; return the exit status.

    Raise `UsageError` for what turns out impossible.
    """
    stops = StopRequests()
    stops.install()
    raise_descriptor_limit()
    model = load(settings.model)
    try:
        if count := processes(settings, model):
            return 0 if _serve_by_several(settings, model, count, stops) else 1
        _serve_alone(settings, model, stops)
        return 0
    finally:
        stops.close(ending=True)


def _serve_alone(settings: Settings, model: type[Model], stops: StopRequests) -> None:
    log = LogRing(sys.stderr, settings.log_level)
    try:
        made = model()
        with assembled(settings, made, log, stops) as service:
            log.start()
            made.serve(service)
    finally:
        log.close()


def _serve_by_several(settings: Settings, model: type[Model], count: int, stops: StopRequests) -> bool:
    # Imported here, as a model is: a server of one process, which most are, does without that megabyte.
    from server.processes.parent import Parent
    from server.processes.supervisor import Supervisor

    log = ThreadlessLog(sys.stderr, settings.log_level)
    with assembled(settings, model, log, stops, count) as service:
        return (Parent if model.preforks else Supervisor)(service, model).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
