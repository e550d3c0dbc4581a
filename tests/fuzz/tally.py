"""What the fuzzer counts, and how it fails."""

from dataclasses import dataclass, field
from time import monotonic


class Failed(Exception):
    """Something did what it must not; the text is one line."""


@dataclass
class Tally:
    """What was sent to one server, or decoded."""

    inputs: int = 0
    connections: int = 0
    rude: int = 0
    messages: int = 0
    begun: float = field(default_factory=monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since the first input."""
        return monotonic() - self.begun
