import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import locust
import pytest

from rawsocket.master.page import form
from rawsocket.master.server_probe import ServerProbe
from rawsocket.settings.options import DEFAULTS
from rawsocket.shapes.shape import Steps
from tests.support.controllers import ControllerBench, controller_bench

METRICS = """holdfast_server_info{model="select",app="echo",framing="line"} 1.0
holdfast_server_connections 0.0
holdfast_server_max_connections 1000.0
"""


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[ControllerBench]:
    with controller_bench(monkeypatch) as bench:
        bench.controller.probe = ServerProbe("http://server:8687", lambda _: METRICS)
        bench.controller.probe.poll()
        yield bench


def _form(users: int = 10, rate: float = 10, **more: str) -> dict[str, str]:
    return {"user_count": str(users), "spawn_rate": str(rate), **more}


def test_fields_are_in_groups_with_labels_help_and_defaults() -> None:
    found = {field["name"]: field for field in form.fields({name: {} for name in DEFAULTS}, {})}
    assert found.keys() == DEFAULTS.keys()
    assert (found["max_p99_ms"]["label"], found["max_p99_ms"]["default"]) == ("p99 at most (ms)", "1000")
    assert found["max_p99_9_ms"]["label"] == "p99.9 at most (ms)"
    assert found["max_p99_ms"]["help"].startswith("p99 of the latency from due")
    assert found["min_held"]["default"] == "0"
    groups = list(dict.fromkeys(field["group"] for field in found.values()))
    assert groups == ["What users do", "Pace", "Thresholds"]


def test_settings_of_the_lab_are_all_labelled() -> None:
    """A new setting gets a label and a group of its own."""
    made = {name for name in DEFAULTS if name not in form.LABELS and not re.fullmatch(r"max_p[\d_]+_ms", name)}
    assert made == set()


def test_setting_of_a_scenario_is_a_field_as_well() -> None:
    (field,) = form.fields({"topic_name": {}}, {})
    assert (field["label"], field["group"]) == ("Topic name", "The scenario's own settings")


def test_settings_that_the_running_server_cannot_follow_are_no_fields() -> None:
    options = {name: {} for name in DEFAULTS}
    names = [field["name"] for field in form.fields(options, {"app": "echo", "framing": "line"})]
    assert not {"app", "framing"} & set(names)


def test_settings_that_a_conversation_does_not_use_are_no_fields() -> None:
    conversation, session = SimpleNamespace(settings_used=("every",)), SimpleNamespace()
    unused = form.without_effect([conversation])
    assert unused == {"app", "framing", "pace", "size"}
    names = [field["name"] for field in form.fields({name: {} for name in DEFAULTS}, {}, unused)]
    assert set(DEFAULTS) - set(names) == unused
    assert form.without_effect([conversation, session]) == form.without_effect([]) == set()


@pytest.mark.parametrize(
    ("name", "shown", "sent"),
    [
        ("every", "every", "every"),
        ("max_p99_ms", "maxP99Ms", "max_p9_9ms"),
        ("max_p99_9_ms", "maxP999Ms", "max_p9_99_ms"),
        ("min_messages_s", "minMessagesS", "min_messages_s"),
    ],
)
def test_names_that_locusts_page_makes_of_an_option(name: str, shown: str, sent: str) -> None:
    assert (form.as_input(name), form.as_sent(name)) == (shown, sent)
    assert form.named_as_meant({sent: "5", "host": "h"}, DEFAULTS) == {name: "5", "host": "h"}


def test_names_of_the_pinned_release_are_made_in_this_way() -> None:
    (script,) = (Path(locust.__file__).parent / "webui/dist/assets").glob("*.js")
    bundle = script.read_text()
    assert "e.replace(/_([a-z0-9])/g,(e,t)=>t.toUpperCase())" in bundle
    assert "e.replace(/([a-z0-9])([A-Z0-9])/g,`$1_$2`).toLowerCase()" in bundle
    assert len({form.as_sent(name) for name in DEFAULTS}) == len(DEFAULTS)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (_form(max_p99_ms="login=fast"), "MAX_P99_MS='login=fast' is not valid: expected a number of at least 0"),
        (_form(0), "0 users: a run needs at least 1"),
        (_form(app="hello"), "the running server has APP=echo, not hello: start the lab with APP=hello"),
    ],
)
def test_start_that_cannot_work_is_refused(bench: ControllerBench, asked: dict[str, str], said: str) -> None:
    starts = form.Starts(bench.controller)
    for by_page in (True, False):
        assert (starts.answer(asked, by_page) or "").startswith(said)


def test_start_whose_check_fails_is_refused(bench: ControllerBench) -> None:
    checks: list[object] = []
    starts = form.Starts(bench.controller, lambda controller: checks.append(controller) or "the check has failed")
    assert starts.answer(_form(0), asked_by_page=False) == "0 users: a run needs at least 1"
    assert checks == []
    assert starts.answer(_form(), asked_by_page=True) == "the check has failed"
    assert checks == [bench.controller]


def test_no_check_while_a_run_is_under_way(bench: ControllerBench) -> None:
    bench.add_worker("a")
    bench.start()
    assert form.Starts(bench.controller, lambda controller: "no").answer(_form(), asked_by_page=False) is None
    bench.stop()


@pytest.mark.parametrize("asked", [_form(), _form(1000, 100), _form(max_p99_ms="1000,login=3000"), _form(app="echo")])
def test_start_that_can_work_is_not_answered(bench: ControllerBench, asked: dict[str, str]) -> None:
    assert form.Starts(bench.controller).answer(asked, asked_by_page=True) is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (_form(1500, 500), "1,500 users are above the 1,000 connections that the server holds"),
        (
            _form(100, 10, run_time="5s"),
            "A ramp of 10 s leaves nothing to judge in a run of 5 s: give it more than 12 s",
        ),
    ],
)
def test_start_that_may_be_a_mistake_is_confirmed_by_another(
    bench: ControllerBench, asked: dict[str, str], said: str
) -> None:
    starts = form.Starts(bench.controller)
    assert starts.answer(asked, asked_by_page=False) is None
    first = starts.answer(asked, asked_by_page=True) or ""
    assert first.startswith(said)
    assert first.endswith("Press Start again to start it all the same.")
    assert starts.answer(asked, asked_by_page=True) is None
    assert starts.answer(asked, asked_by_page=True) == first  # the next run is another one


def test_confirmation_is_for_the_same_start_only(bench: ControllerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    starts = form.Starts(bench.controller)
    starts.answer(_form(1500, 500), asked_by_page=True)
    assert "1,600" in (starts.answer(_form(1600, 500), asked_by_page=True) or "")
    later = time.monotonic() + form.CONFIRM_S + 1
    monkeypatch.setattr(form, "time", SimpleNamespace(monotonic=lambda: later))
    assert "1,600" in (starts.answer(_form(1600, 500), asked_by_page=True) or "")


def test_users_that_only_visit_may_be_more_than_the_server_holds(bench: ControllerBench) -> None:
    bench.runner.user_classes[0].holds = False
    try:
        assert form.Starts(bench.controller).answer(_form(1500, 500), asked_by_page=True) is None
    finally:
        bench.runner.user_classes[0].holds = True


def test_accepted_start_is_beginning_until_its_run_has_started(bench: ControllerBench) -> None:
    starts = form.Starts(bench.controller)
    assert not starts.beginning
    starts.accepted(_form(7))
    assert starts.beginning
    bench.add_worker("a")
    bench.start()
    assert not starts.beginning
    bench.stop()
    assert not starts.beginning
    assert starts.last == _form(7)
    starts.accepted(_form(8))
    assert starts.beginning  # the figures of the last run are not those of this one


def test_start_of_a_load_shape_has_the_users_of_its_first_level(
    bench: ControllerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.runner.user_classes[0], "shape", Steps(400, 1200, by=400, hold=10), raising=False)
    asked = _form(0, 10, run_time="5s", every="2")
    assert form.first_level(bench.controller, asked) == {**asked, "user_count": "400", "run_time": ""}
    answer = form.Starts(bench.controller).answer(asked, asked_by_page=True) or ""
    assert answer.startswith("1,200 users are above the 1,000 connections that the server holds")
    bench.start()  # from now on the users are changed, not started
    assert form.first_level(bench.controller, asked) == asked


def test_start_without_a_load_shape_stays_as_it_is(bench: ControllerBench) -> None:
    assert form.first_level(bench.controller, _form(run_time="5s")) == _form(run_time="5s")
