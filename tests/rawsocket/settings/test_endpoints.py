import pytest

from rawsocket.settings.endpoints import COLLECTOR, METRICS, host, metrics_address


def test_names_of_series_stand_after_the_address() -> None:
    url, names = metrics_address('http://app:9100/metrics?all=1#threads, queue{name="a,b"} ,lag{le="}"}')
    assert url == "http://app:9100/metrics?all=1"
    assert names == ("threads", 'queue{name="a,b"}', 'lag{le="}"}')


def test_address_without_names_means_no_certain_series() -> None:
    assert metrics_address("https://app/metrics") == ("https://app/metrics", ())


@pytest.mark.parametrize(
    "text",
    ["app:9100", "file:///etc/passwd", "http://", "http://user:secret@app/metrics", "http://a b/", "http://a:x/"],
)
def test_what_is_no_address_of_metrics_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected http://HOST:PORT/metrics"):
        METRICS.parse(text)


def test_more_than_eight_names_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 8 names, not 9"):
        METRICS.parse("http://app/metrics#" + ",".join("abcdefghi"))


def test_collector_is_an_address_without_a_slash_at_its_end() -> None:
    assert COLLECTOR.parse("http://collector:4318/") == "http://collector:4318"
    with pytest.raises(ValueError, match="expected http://HOST:4318"):
        COLLECTOR.parse("collector:4317")


def test_host_of_an_address() -> None:
    assert (host("http://[::1]:4318"), host("")) == ("::1", "")
