"""The framings and their decoders under a short name: `from rawsocket.framing import Decoder`."""

from rawsocket.wire import framing as _framing
from rawsocket.wire.framing import *  # noqa: F403 - exactly its list of names

__all__ = _framing.__all__
