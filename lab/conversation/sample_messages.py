"""Makes one sample of each message, and asks the framing whether it can carry it: most mistakes show before a run."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from lab.conversation.syntax.framing_errors import framing_mistake, message_mistake
from lab.conversation.syntax.source import Place
from rawsocket.conversation.framings import framing_of
from rawsocket.conversation.plan import Data, FramingPlan, Template, Value
from rawsocket.conversation.templates import Sources, maker


@dataclass(frozen=True)
class Sample:
    """A message of a conversation, where it stands, and the framing that it is sent in."""

    template: Template
    place: Place
    framing: FramingPlan


@dataclass
class _User:
    """The first user, with its first message."""

    columns: tuple[bytes, ...]
    number: int = 0
    message_no: int = 0
    step_no: int = 0
    worker: int = 0
    drawn: dict[Value, Any] = field(default_factory=dict)


def check_framing(plan: FramingPlan, place: Place) -> None:
    """Refuse a framing that can't be. Raises Mistake."""
    try:
        framing_of(plan)
    except (ValueError, TypeError) as error:
        raise framing_mistake(error, place, "expected another framing", "correct the framing, or `then`") from None


def check(samples: Iterable[Sample], data: Data | None) -> None:
    """Refuse the first message that its framing can't carry. Those with captures are known only in a run. Mistake."""
    columns = tuple(text.encode() for text in data.rows[0]) if data else ()
    sources = Sources(time.time, Random(), data.columns if data else ())
    for sample in samples:
        if not any(isinstance(piece, Value) and piece.source == "capture" for piece in sample.template.pieces):
            _check(sample, sources, _User(columns))


def _check(sample: Sample, sources: Sources, user: _User) -> None:
    try:
        made = maker(sample.template, sources)
        payload = made if isinstance(made, bytes) else made(user)
        framing_of(sample.framing).encode(payload)
    except (ValueError, OverflowError) as error:
        raise message_mistake(error, sample.place, sample.framing) from None
