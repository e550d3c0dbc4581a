"""Drills by clients that are none of the load: they read or write too slowly, or send what no framing accepts."""

from lab.drills.clients.accept_queue import AcceptQueueOverflow
from lab.drills.clients.garbage import Garbage
from lab.drills.clients.slow_readers import SlowReaders
from lab.drills.clients.slow_writers import SlowWriters

DRILLS = (SlowReaders(), SlowWriters(), Garbage(), AcceptQueueOverflow())
