from rawsocket.master import figures
from rawsocket.master.reports.html.documents import RunDocuments
from rawsocket.master.run import Run, RunInfo
from tests.support.documents import passed


def test_documents_of_the_tests_have_the_fields_of_a_real_run() -> None:
    real = figures.document(Run(RunInfo(workers=2)))
    for name, part in passed().items():
        assert not isinstance(part, dict) or name == "server" or part.keys() <= real[name].keys(), name


def test_report_needs_no_more_than_the_verdict() -> None:
    documents = RunDocuments(passed())
    assert (documents.timeline, documents.rows, documents.environment) == ({}, (), {})
