"""`python -m server`: settings, then signals, log, listener, model; and the only sys.exit.

Exit status: 0 after a stop signal was carried out, 1 if a process of several was lost or killed meanwhile, 2 for a
setting that can't be used (one line on stderr says what is wrong, what was expected and what to do), 3 if the tutorial
server crashed, as it is meant to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from server.assembly import open_service
from server.models.base import Model, ModelCrashed, load
from server.monitoring.log import LogRing, ThreadlessLog
from server.settings import Settings, UsageError, parse
from server.system.limits import process_count, raise_descriptor_limit
from server.system.signals import StopRequests


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Serve until stopped; return the exit status."""
    if sys.stderr is None:  # The starting process closed it.
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - for the rest of the process
    try:
        return serve(parse(argv, environ))
    except UsageError as error:
        sys.stderr.write(f"holdfast server: {error}\n")
        return 2
    except ModelCrashed as error:
        sys.stderr.write(f"holdfast server: {error}\n")
        return 3


def serve(settings: Settings) -> int:
    """Serve with `settings` until a signal stops it; return the exit status.

    Raise `UsageError` if the settings turn out to be impossible.
    """
    stops = StopRequests()
    stops.install()
    raise_descriptor_limit()
    model = load(settings.model)
    try:
        if count := process_count(settings, model):
            return 0 if _serve_with_processes(settings, model, count, stops) else 1
        _serve_alone(settings, model, stops)
        return 0
    finally:
        stops.close(ending=True)


def _serve_alone(settings: Settings, model: type[Model], stops: StopRequests) -> None:
    log = LogRing(sys.stderr, settings.log_level)
    try:
        instance = model()
        with open_service(settings, instance, log, stops) as service:
            log.start()
            instance.serve(service)
    finally:
        log.close()


def _serve_with_processes(settings: Settings, model: type[Model], count: int, stops: StopRequests) -> bool:
    # Imported late, like a model: a server of one process, the usual case, saves that megabyte.
    from server.processes.parent import Parent
    from server.processes.supervisor import Supervisor

    log = ThreadlessLog(sys.stderr, settings.log_level)
    with open_service(settings, model, log, stops, count) as service:
        return (Parent if model.preforks else Supervisor)(service, model).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
