"""Messages that are no replies: which they are, and what answers they get. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from rawsocket.conversation.answers import bound
from rawsocket.conversation.expectations import Rule, Ruler, ruler
from rawsocket.conversation.plan import Push
from rawsocket.conversation.templates import CAPTURE, Maker, Sender, Sources, maker


class Pushes:
    """The pushes of a plan."""

    def __init__(self, pushes: Sequence[Push], sources: Sources) -> None:
        sent = replace(sources, sent=True)
        self._pushes: list[tuple[Ruler, Maker | None]] = [
            (ruler(one.match, sent), None if one.answer is None else maker(one.answer, sources)) for one in pushes
        ]

    @property
    def has_answers(self) -> bool:
        """Whether any of them is answered."""
        return any(answer is not None for _, answer in self._pushes)

    @property
    def is_constant(self) -> bool:
        """Whether they are the same for all users."""
        return all(isinstance(rule, Rule) for rule, _ in self._pushes)

    def __len__(self) -> int:
        return len(self._pushes)

    def has(self, sender: Sender, message: bytes) -> bool:
        """Return whether a message is a push."""
        return self._find(sender, message) is not None

    def answer(self, sender: Sender, message: bytes) -> bytes | None:
        """Return the answer to a push; None: it has none. Groups of its pattern are captures from here on."""
        found = self._find(sender, message)
        if found is None or found[1] is None:
            return None
        rule, answer = found
        for name in rule.groups:
            setattr(sender, CAPTURE + name, rule.group(name, message))
        return answer if isinstance(answer, bytes) else answer(sender)  # type: ignore[misc]

    def only(self, wanted: Ruler | None, sender: Any) -> Callable[[bytes], bool] | None:
        """Return which messages a `receive` takes: no push that has an answer, and no other push that it doesn't want.

        `sender` may be None if all are the same for all users.
        """
        if not self._pushes:
            return None
        rule = None if wanted is None else bound(wanted, sender)

        def takes(message: bytes) -> bool:
            found = self._find(sender, message)
            if found is None:
                return True
            return found[1] is None and (rule is None or bool(rule.met(message)))

        return takes

    def _find(self, sender: Sender, message: bytes) -> tuple[Rule, Maker | None] | None:
        for rule, answer in self._pushes:
            known = bound(rule, sender)
            if known.met(message):
                return known, answer
        return None
