"""`python -m server`: settings, then signals, log, listener, model; and the only sys.exit.

Exit status: 0 after a stop signal was carried out, 2 for a setting that can't be used (one line on stderr says what is
wrong, what was expected and what to do).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from server.limits import raise_descriptor_limit
from server.logring import LogRing
from server.models import load
from server.service import assembled
from server.settings import Settings, UsageError, parse
from server.signals import StopRequests


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Serve until stopped; return the exit status."""
    try:
        serve(parse(argv, environ))
    except UsageError as problem:
        sys.stderr.write(f"holdfast server: {problem}\n")
        return 2
    return 0


def serve(settings: Settings) -> None:
    """Serve as `settings` say, until a signal stops it; raise `UsageError` for what turns out impossible."""
    stops = StopRequests()
    stops.install()
    raise_descriptor_limit()
    log = LogRing(sys.stderr, settings.log_level)
    try:
        model = load(settings.model)()
        with assembled(settings, model, log, stops) as service:
            log.start()
            model.serve(service)
    finally:
        log.close()
        stops.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
