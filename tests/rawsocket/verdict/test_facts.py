from rawsocket.measurement.report import Connections, Counts
from rawsocket.verdict.facts import Facts, LabFact
from rawsocket.verdict.judge import Figures


def test_failed_counts_connects_and_connections_that_were_dropped() -> None:
    counts = Counts(connections=Connections(failed={"reset": 2}, dropped={"reset": 3, "closed": 1}))
    facts = Facts(Figures(), counts)
    assert [facts.failed(name) for name in ("reset", "closed", "refused")] == [5, 1, 0]


def test_told_has_the_last_line_of_a_log_or_how_the_part_ended() -> None:
    facts = Facts(
        Figures(), lab=[LabFact("server", "it exited with 1", log="MemoryError"), LabFact("worker-1", "killed")]
    )
    assert [facts.told(part) for part in ("server", "worker", "master")] == [": MemoryError", " (killed)", ""]
