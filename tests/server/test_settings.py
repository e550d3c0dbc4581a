"""Settings: where a value comes from, and the message for one that can't be used."""

from __future__ import annotations

from dataclasses import fields

import pytest

from server.models.base import load
from server.settings import MAX_AMOUNT, TABLE, Setting, Settings, UsageError, parse
from tests.support.pinned import STORY
from tests.support.server_process import running_server
from tests.support.sockets import ask, connect


def test_the_table_and_the_settings_name_the_same_things() -> None:
    assert [row.name for row in TABLE] == [field.name for field in fields(Settings)]


def test_each_row_has_help_a_reason_and_a_default() -> None:
    assert all(row.help and row.why and row.shown_default for row in TABLE)


def test_without_settings_the_defaults_hold() -> None:
    settings = parse([], {})
    assert (settings.host, settings.port, settings.admin_port) == ("127.0.0.1", 8686, 8687)
    assert (settings.model, settings.framing, settings.app, settings.at_cap) == ("select", "line", "hello", "refuse")
    assert (settings.message_timeout, settings.drain_timeout, settings.idle_timeout) == (30.0, 5.0, 0.0)
    assert settings.max_connections is None
    assert settings.backlog is None
    assert settings.processes == 1


def test_processes_auto_is_none() -> None:
    assert parse(["--processes", "auto"], {}).processes is None
    assert parse([], {"SERVER_PROCESSES": "16"}).processes == 16


def test_a_flag_beats_its_variable_and_an_empty_variable_counts_as_unset() -> None:
    environ = {"SERVER_PORT": "1", "SERVER_MODEL": "epoll", "SERVER_APP": ""}
    settings = parse(["--port", "2"], environ)
    assert (settings.port, settings.model, settings.app) == (2, "epoll", "hello")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_each_setting_can_be_given_both_ways(row: Setting) -> None:
    value = row.default or {"log_sync": "yes"}.get(row.name, "7")
    name = row.name
    by_flag = parse([row.flag, value], {})
    by_variable = parse([], {row.variable: value})
    assert getattr(by_flag, name) == getattr(by_variable, name)
    assert getattr(by_flag, name) is not None


@pytest.mark.parametrize(("text", "host"), [("::1", "::1"), ("[::1]", "::1"), ("localhost", "localhost")])
def test_a_host_may_be_written_as_in_an_address(text: str, host: str) -> None:
    assert parse(["--host", text], {}).host == host


@pytest.mark.parametrize(
    ("argv", "environ", "said"),
    [
        (["--port", "66000"], {}, "'--port 66000': expected a whole number from 0 to 65535"),
        (["--port", "http"], {}, "'--port http': expected a whole number"),
        ([], {"SERVER_MODEL": "threads"}, "'SERVER_MODEL=threads': expected one of sync, threaded"),
        (["--processes", "0"], {}, "'--processes 0': expected a whole number from 1 to 1000, or auto"),
        ([], {"SERVER_PROCESSES": "many"}, "expected a whole number from 1 to 1000, or auto"),
        (["--idle-timeout", "-1"], {}, "expected a number of seconds from 0 to 1000000"),
        (["--idle-timeout", "nan"], {}, "expected a number of seconds from 0 to 1000000"),
        (["--drain-timeout", "1000000.1"], {}, "expected a number of seconds from 0 to 1000000"),
        (["--work-ms", "inf"], {}, "expected a number of milliseconds from 0 to 1000000"),
        (["--block-ms", "1e13"], {}, "expected a number of milliseconds from 0 to 1000000"),
        (["--max-connections", "0"], {}, "expected a whole number from 1"),
        (["--log-sync", "maybe"], {}, "expected yes or no"),
        (["--host", " "], {}, "expected a host name"),
        (["--cap", "3"], {}, "unrecognized arguments: --cap 3"),
        (["--max-conn", "3"], {}, "unrecognized arguments"),
        (["--port"], {}, "expected one argument"),
    ],
)
def test_a_bad_value_is_one_line_that_says_what_to_do(argv: list[str], environ: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(argv, environ)
    assert said in str(caught.value)
    assert "--help" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("model", ["threaded", "prefork", "select", "asyncio"])
def test_the_longest_times_are_usable(model: str) -> None:
    flags = [text for name in ("idle", "message", "drain") for text in (f"--{name}-timeout", str(MAX_AMOUNT))]
    with running_server("--model", model, *flags) as server, connect(server.port) as client:
        assert ask(client, b"hello\nhel") == b"Hello from server!\n"
        server.signal()
        assert ask(client, b"lo\n") == b"Hello from server!\n"
        client.close()
        assert server.exit_code() == 0, server.lines


def test_the_help_names_each_flag_its_values_and_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["--help"], {})
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert all(f"{row.flag} {row.kind.metavar}" in text and row.variable in text for row in TABLE)


WORDS = {"yes": True, "no": False, "as descriptors allow": None}


@pytest.mark.parametrize(
    ("name", "own"), [("max_connections", "default_cap"), ("backlog", "backlog"), ("log_sync", "prints")]
)
def test_the_shown_default_of_a_setting_is_that_of_each_model(name: str, own: str) -> None:
    """For the models of the story: a new model is a file and a line in the table of models, and needs no line here."""
    (row,) = [row for row in TABLE if row.name == name]
    said = _said(row.shown)
    assert {model: said.get(model, said[""]) for model in STORY} == {
        model: getattr(load(model), own) for model in STORY
    }


def _said(shown: str) -> dict[str, object]:
    """`1024; sync, tutorial: 10` -> {"": 1024, "sync": 10, "tutorial": 10}; "" are the others."""
    said: dict[str, object] = {}
    for part in shown.split("; "):
        models, _, value = part.rpartition(": ")
        said |= dict.fromkeys(models.split(", "), WORDS[value] if value in WORDS else int(value))
    return said
