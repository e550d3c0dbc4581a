import pytest

from rawsocket.master.reports import result
from rawsocket.master.reports.result import Document
from tests.support import levels
from tests.support.verdicts import BUSY, failed, passed, unknown

FAILED = """\
FAIL  The server holds 1,000 connections (its cap) and refused 3,591 connects
      Try: Set MAX_CONNECTIONS or MODEL=epoll

  connections held             as few as 1,000 of 1,200 within 54.1 s
  held, by the server's count  1,000
  p99 latency from due         20.6 ms
  messages a second            118.40
  failures                     3,591 (3,591 refused: server full)

  threshold              limit   actual
  min_held      at least 1,200    1,000  missed
  max_failures       at most 0    3,591  missed
  max_p99_ms       at most 1 s  20.6 ms  met

Report: runs/x/report.html
verdict: fail (exit code 3)"""


def _text(document: Document, *more: str) -> str:
    return result.text(result.lines(document, *more))


def test_failed_run() -> None:
    assert _text(failed(), "runs/x/report.html") == FAILED


def test_passed_run_has_its_notes() -> None:
    lines = _text(passed()).splitlines()
    assert lines[:2] == [
        "PASS  1200 of 1200 connections held for 54 s, no failures, p99 latency 20.6 ms",
        "      - no byte ever arrived on 28 connections",
    ]
    assert lines[3] == "  connections held             1,200 of 1,200 for 54.1 s"
    assert lines[-1] == "verdict: pass (exit code 0)"


def test_more_connections_than_users() -> None:
    lines = _text(passed(held={"steady_min": 12, "peak": 12, "server_steady_min": 1, "wanted": 1})).splitlines()
    assert "  connections held             12 for 54.1 s, of 1 user" in lines


def test_unknown_run_has_its_reason_wrapped() -> None:
    text = _text(unknown())
    assert f"UNKNOWN {BUSY}" in " ".join(text.split())
    assert text.endswith("verdict: unknown (exit code 4)")


def test_run_without_a_steady_window_and_without_a_server_that_counts() -> None:
    held = {"steady_min": None, "peak": 40, "server_steady_min": None}
    document = unknown(held=held, thresholds=[], latency_ms={"from_due": None})
    lines = _text(document).splitlines()
    assert "  connections held             at most 40 of 1,200; no steady window" in lines
    assert "  held, by the server's count  not available" in lines
    assert "  p99 latency from due         -" in lines
    assert "  failures                     not judged" in lines


@pytest.mark.parametrize("width", [40, 79])
@pytest.mark.parametrize("document", [passed(), failed(), unknown()], ids=lambda document: document["verdict"])
def test_no_line_is_too_wide(document: Document, width: int) -> None:
    text = result.text(result.lines(document, "runs/x/report.html", width=width))
    # The table of thresholds has its own least width, and the name of a worker is one word.
    assert max(map(len, text.splitlines())) <= max(width, 62)


def test_row_with_a_long_name_is_cut() -> None:
    name = f"max_p99_ms[{'login ' * 20}]"
    document = passed(thresholds=[{"name": name, "limit": 1000, "actual": 12.3456, "ok": None}])
    (line,) = [line for line in _text(document).splitlines() if line.startswith("  max_p99_ms[")]
    assert line.endswith("...  at most 1 s  12.3 ms  not measured")
    assert len(line) <= 79


def test_thresholds_have_titles_and_units_where_the_document_has_them() -> None:
    check = {"name": "max_failures_percent", "limit": 0.5, "actual": 1.25, "ok": False}
    line = "at most 0.50%   1.25%  missed"
    assert line in _text(passed(thresholds=[check]))
    assert f"  failures of all  {line}" in _text(
        passed(thresholds=[{**check, "title": "failures of all", "unit": "%"}])
    )


def test_missed_threshold_decides_in_words_where_there_is_no_cause() -> None:
    document = failed(cause=None)
    assert result.headline(document) == ("1,000 connections were held; 1,200 were wanted", "", [])
    for check in document["thresholds"]:
        check.pop("text", None)
    assert result.headline(document)[0] == "min_held: 1000, at least 1200 was demanded"


def test_met_thresholds_do_not_count_in_an_unknown_run() -> None:
    spans = [span for line in result.lines(unknown()) for span in line if span.text.startswith("met")]
    assert {(span.text, span.style) for span in spans} == {("met, not counted", "faint")}


def test_fewer_connections_than_wanted_are_marked_where_no_threshold_judges_them() -> None:
    for checks, style in (([], "unknown"), (passed()["thresholds"], "")):
        spans = [span for line in result.lines(failed(thresholds=checks)) for span in line]
        assert [span.style for span in spans if span.text.startswith("  connections held")] == [style]


def test_reason_that_only_repeats_the_cause_is_left_out() -> None:
    cause = {"name": "interrupted", "text": "The run was interrupted after 7 s of 14 s", "remedy": "Run it again"}
    reasons = ["the run was interrupted before its end", "x"]
    assert result.headline(unknown() | {"cause": cause, "reasons": reasons})[2] == ["x"]
    cause = {"name": "scenario", "text": "The scenario raised KeyError", "remedy": ""}
    assert result.headline(unknown() | {"cause": cause, "reasons": ["the scenario raised KeyError"]})[2] == []


def test_further_reasons_are_counted_when_there_are_many() -> None:
    document = unknown()
    document["reasons"] = [f"reason {number}" for number in range(9)]
    lines = _text(document).splitlines()
    assert lines[0] == "UNKNOWN  reason 0"
    assert lines[1:7] == [
        *(f"         - reason {number}" for number in range(1, 6)),
        "         - and 3 more: verdict.json has all",
    ]


def test_missing_files_are_named_in_one_line_before_the_verdict() -> None:
    trouble = f"could not write {'a.csv, ' * 20} in runs/x: No space left on device (exit code 1)"
    lines = result.text(result.lines(passed(), "", trouble, 1)).splitlines()
    assert lines[-2:] == [trouble, "verdict: pass (exit code 1)"]


def test_styles_tell_the_verdict_and_each_threshold() -> None:
    spans = [span for line in result.lines(failed()) for span in line]
    assert [span.text for span in spans if span.style == "fail"] == [
        "FAIL",
        "missed",
        "missed",
        "verdict: fail (exit code 3)",
    ]
    assert [span.text for span in spans if span.style == "pass"] == ["met"]


def test_connections_where_a_user_holds_several_and_failures_that_no_threshold_judges() -> None:
    held = {"wanted": 2400, "steady_min": 2400, "peak": 2400, "server_steady_min": 2400}
    lines = _text(unknown(held=held, thresholds=[], failures=1234)).splitlines()
    assert any(line.startswith("  connections held             2,400 of 2,400 connections for") for line in lines)
    assert any(line.startswith("  failures                     1,234") for line in lines)


LEVELS = """
  level      held  p99 ms  messages/s  failures  result
  100 users   100   3.100        99.8         0  passed
  200 users   200   31.00         200         0  failed

"""


def test_levels_of_a_load_shape() -> None:
    cause = {"name": "level", "text": "Holds 100 users; at 200 users: p99 from due 31 ms", "remedy": ""}
    reasons = ["holds 100 users; at 200 users: p99 from due 31 ms", "max_p99_ms: at 200 users: p99 from due 31 ms"]
    found = _text({**failed(), **levels.document(), "cause": cause, "reasons": reasons})
    assert found.startswith("FAIL  Holds 100 users; at 200 users: p99 from due 31 ms\n\n")
    assert LEVELS in found
