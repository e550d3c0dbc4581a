import locust.html
import locust.main
import locust.web
import pytest

from rawsocket.master.reports import html_report as report
from tests.support.desks import desk_bench
from tests.support.reports import report as worker_report


def test_the_section_stands_before_the_end_of_the_body() -> None:
    assert report.insert("<body>a</body></html>", "<p>") == "<body>a<p></body></html>"
    assert report.insert("no body", "<p>") == "no body<p>"


def test_all_three_names_of_locusts_renderer_give_the_section_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (locust.html, locust.main, locust.web):
        monkeypatch.setattr(module, "get_html_report", module.get_html_report)
    with desk_bench(monkeypatch) as bench:
        report.install(bench.desk)
        report.install(bench.desk)
        for module in (locust.html, locust.main, locust.web):
            page = module.get_html_report(bench.desk.environment, show_download_link=False, theme="dark")
            assert page.count('id="holdfast-report"') == 1
            assert "<svg" in page


def test_before_the_end_there_is_no_verdict_and_then_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with desk_bench(monkeypatch) as bench:
        assert "no verdict yet" in report.section(bench.desk)
        bench.desk.notes.append("<script>")
        bench.desk.conclude()
        text = report.section(bench.desk)
    assert "No message was answered" in text
    assert "verdict: unknown (exit code 4)" in text
    assert "&lt;script&gt;" in text


def test_latencies_from_due_and_from_sent_are_a_picture_a_sentence_and_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    with desk_bench(monkeypatch) as bench:
        bench.add_worker("a")
        bench.start()
        bench.desk.take("a", worker_report(rows={"message": {37: 100}}, due={"message": {1_800_000: 100}}))
        text = report.section(bench.desk)  # while the run is still on
    assert text.count("<svg") == 2
    assert "from sent: 99 % within 0.037 ms" in text
    assert "within 1.8 s of when they were due" in text
    assert ">0.037</td>" in text
