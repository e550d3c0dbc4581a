"""Clients that send what no framing accepts: the server answers with an error or closes, and serves the others."""

from lab.drills.clients import program
from lab.drills.clients.badly_behaved import COUNT, BadlyBehaved
from lab.drills.clients.extra import ExtraClients
from lab.drills.drill import Before, Stage
from lab.settings import Settings
from rawsocket.verdict.drills.prediction import Expected


class Garbage(BadlyBehaved):
    """Each sends up to 1 MB without an end of a message, until it is answered or closed, and comes back each second."""

    name = "garbage"
    text = f"{COUNT} more clients send bytes that no framing accepts, and come back each second"
    what = program.GARBAGE
    stay = False

    def unfit(self, settings: Settings) -> str:
        """Refuse a framing in which all bytes are a message."""
        chunk = settings.own_server and settings["FRAMING"] == "chunk"
        return "in chunk framing all bytes are a message" if chunk else ""

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """None of them is left without an answer or an end."""
        answered = Expected("own.not_rejected", 0, 0, "a message has a greatest length")
        return [*super().expects(stage, before), answered]

    def report(self, stage: Stage, clients: ExtraClients) -> None:
        """Say how many the server neither answered nor closed."""
        super().report(stage, clients)
        stage.measured("not_rejected", clients.figures["opened"] - clients.figures["rejected"])
