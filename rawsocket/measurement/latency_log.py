"""Writes latency.hlog: every second's latencies in HdrHistogram's own log format, for other tools.

One line a second for each tag (from-due, from-sent, first-byte, connect), by the library's own log writer. A row that
is not judged, or of the scenario's own figures, has a tag `row-NAME` with times from due, in seconds that have some.
Values are microseconds, and so is the `Interval_Max` of a line; times of lines are seconds since the start of the run,
which is the log's base time.

Rules:

- During the run the lines go to a hidden file beside the artefacts, which is renamed at the end: a run of an hour
  needs no more memory than one of a second.
- Every latency of the run is in exactly one line, so the lines of a tag add up to the counts in stats.csv.
- An error of the file ends the log, never the run; `finish` raises it.
"""

import contextlib
import logging
import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from hdrh.log import HistogramLogWriter

from rawsocket.measurement import histogram
from rawsocket.measurement.histogram import Histogram
from rawsocket.measurement.latencies import Histograms

NAME = "latency.hlog"
TAGS = {"from_due": "from-due", "from_sent": "from-sent", "first_byte": "first-byte", "connect": "connect"}
# The writer divides a line's maximum by this and drops the fraction: 1 leaves it in microseconds.
IN_MICROSECONDS = 1.0
_NO_TAG = re.compile(r"[^\w.-]")  # a comma ends a tag, and a space ends it for some readers
logger = logging.getLogger(__name__)


class LatencyLog:
    """The log of one run, which starts now; `folder` is where artefacts go, "" for none."""

    def __init__(self, folder: str = "", clock: Callable[[], float] = time.time) -> None:
        self._folder = Path(folder) if folder else None
        self._started_s = round(clock(), 3)
        self._file: TextIO | None = None
        self._ended = self._folder is None
        self._until = 0.0
        self._failure: OSError | None = None

    @property
    def folder(self) -> Path | None:
        """The folder where the run's artefacts go, None for nowhere."""
        return self._folder

    def add(self, until_s: float, fresh: Histograms, apart: Histograms | None = None) -> None:
        """Write the times since the last call, up to `until_s` of the run; 3 to 6 ms at 10,000 messages.

        `fresh` by kind, `apart` by name of a row.
        """
        if self._ended:
            return
        since, self._until = self._until, until_s
        try:
            file = self._open()
            for kind, tag in TAGS.items():
                line(file, tag, since, until_s, fresh[kind])
            for name, times in (apart or {}).items():
                if times:
                    line(file, f"row-{_NO_TAG.sub('_', name)}", since, until_s, times)
        except OSError as error:
            logger.error("could not write %s: %s; this run has none", NAME, error.strerror)
            self._failure = error
            self.discard()

    def finish(self, until_s: float, fresh: Histograms, apart: Histograms | None = None) -> None:
        """Write the last lines and rename the file, once per run; raises OSError if that fails."""
        self.add(until_s, fresh, apart)
        if self._failure:
            raise self._failure
        if self._file is None or self._folder is None:
            return
        file, self._file, self._ended = self._file, None, True
        file.close()
        self._part().chmod(0o644)
        self._part().replace(self._folder / NAME)

    def discard(self) -> None:
        """End an unfinished log, and remove its file."""
        file, self._file, self._ended = self._file, None, True
        if file is not None:
            with contextlib.suppress(OSError):  # on a full disk, closing fails again
                file.close()
            self._part().unlink(missing_ok=True)

    def _open(self) -> TextIO:
        """Return the file, created for the first line."""
        if self._file is None:
            self._part().parent.mkdir(parents=True, exist_ok=True)
            self._file = self._part().open("w", encoding="utf-8")
            header(self._file, self._started_s)
        return self._file

    def _part(self) -> Path:
        assert self._folder
        return self._folder / f".{NAME}.{os.getpid()}.part"


def header(file: TextIO, epoch_s: float) -> None:
    """Write the header.

    Start and base must be the same to the last digit: readers skip lines before the start.
    """
    writer = HistogramLogWriter(file)
    writer.output_comment("[Latencies of a run of Holdfast; values and Interval_Max are microseconds]")
    writer.output_log_format_version()
    # The library's own output_start_time() calls a method that datetime doesn't have.
    start = datetime.fromtimestamp(epoch_s, UTC).isoformat(" ", "seconds")
    writer.output_comment(f"[StartTime: {epoch_s:f} (seconds since epoch), {start}]")
    writer.output_base_time(epoch_s * 1000)
    writer.output_legend()


def line(file: TextIO, tag: str, since_s: float, until_s: float, times: Histogram) -> None:
    """Write one interval of one tag."""
    file.write(f"Tag={tag},")  # the writer has no tags, the reader does
    whole = histogram.library(times)
    HistogramLogWriter(file).output_interval_histogram(whole, since_s, until_s, IN_MICROSECONDS)
    whole.encoder = None  # it refers back to its histogram, whose 190 KB would wait for the garbage collector
