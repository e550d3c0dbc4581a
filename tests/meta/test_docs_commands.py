"""Every command on a page exists: its program, make target, flags, variables, and the values that it gives them."""

import argparse
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping

import pytest

from bench import settings as bench
from lab import settings
from lab.inputs import make_variables
from lab.inputs.own_arguments import BENCHMARKS, TABLE
from lab.run import check
from lab.settings import ROOT
from lab.verbs import VERBS
from rawsocket.__main__ import main as rawsocket
from rawsocket.settings.declared import DeclaredSetting
from rawsocket.settings.plan import from_environ
from rawsocket.settings.table import BY_NAME
from server import settings as server
from tests.meta.conftest import text
from tests.support.pages import PAGES, README, blocks, rows, spans
from tests.support.pinned import ARTEFACTS

STATUS = re.compile(r"\$\?|\$code\b")  # what a shell does with an exit code is no command of ours
MAKE_TARGETS = re.findall(r"^([a-z-]+):.*##", text("Makefile"), re.M)
LAB_TARGETS = (
    "help",
    "setup",
    "up",
    "down",
    "logs",
    "status",
    "check",
    "load",
    "ci",
    "report",
    "new",
    "test",
    "lint",
    "format",
    "clean",
)
# What the reader writes by a page's recipe.
OF_THE_READER = {
    ("SCENARIO", "mine"): "hold",
    ("SCENARIO", "hello"): "hold",
    ("SCENARIO", "theirs"): "hold",
    ("MODEL", "toy"): "select",
    ("SERVER_BUILD", "./mine"): str(ROOT),
    ("SERVER_COMMAND", "./serve"): "true",
}
# Settings that the reader's scenario declares.
OF_THE_SCENARIO = [DeclaredSetting("topic"), DeclaredSetting("token")]
# Variables that are no setting of a command's table, by the program that takes them.
OF_LABS = {"HEADLESS", "HOLDFAST_PROJECT"}
MORE = {
    "make": {"PYTHON", "ONLY", "COVERAGE", "RUNS", "CAPTURE", "COUNT", "SEED", "DIR", "NAME", "TIMES", *OF_LABS},
    "lab": OF_LABS,
    "docker": {"HEADLESS"},
}
RUNS = re.compile(
    r"(?:[A-Z_]+=\S* )*(?:make \S|holdfast (?!server )\S|pip install \S|(?:\.venv/bin/)?python -m \w+ \S|"
    r"python locustfiles/|docker compose )"
)


def _lines(page: str) -> Iterator[str]:
    """Each command of the page, without its comment; those within the text as well."""
    for block in blocks(page, ""):
        for line in block.replace("\\\n", " ").splitlines():
            yield re.sub(r"(^|\s+)# .*", "", line).strip()
    for block in blocks(page, "yaml"):
        yield from re.findall(r"- run: (.*)", block)
    yield from (span for span in spans(page) if RUNS.match(span))


def _simple(page: str) -> Iterator[str]:
    """The same, without what a shell puts together."""
    for line in filter(None, _lines(page)):
        yield from (part for part in re.split(r"\|\||&&|[{};]", line) if part.strip() and not STATUS.search(part))


COMMANDS = sorted({(page, line.strip()) for page in PAGES for line in _simple(page)})


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_each_command(page: str, line: str) -> None:
    variables, words = _taken_apart(line)
    for begin, check_words in CHECKS.items():
        if words[: len(begin)] == list(begin):
            check_words(variables, words[len(begin) :])
            return
    raise AssertionError(f"{page}: nothing here knows the command {line!r}")


def _taken_apart(line: str) -> tuple[dict[str, str], list[str]]:
    words = shlex.split(line)
    count = next(number for number, word in enumerate(words) if not re.match(r"[A-Z_]+=", word))
    return dict(word.split("=", 1) for word in words[:count]), words[count:]


def _check_settings(verb: str, flags: Mapping[str, str], program: str) -> None:
    """Fail for a variable that nothing reads, or a value that its program would refuse."""
    rest = {name: OF_THE_READER.get((name, value), value) for name, value in flags.items()}
    table = bench.TABLES.get(verb, settings.SETTINGS)
    names = {setting.variable: setting for setting in table}
    own = {name: rest.pop(name) for name in set(rest) & set(names)}
    for name, value in own.items():
        if value:
            names[name].parse(value)
    environment = {row.variable for row in settings.ENVIRONMENT} - MORE[program]
    own |= {name: rest.pop(name) for name in set(rest) & environment}
    if table is settings.SETTINGS:
        settings.read({}, own, verb)
    of_the_server = {name: rest.pop(name) for name in set(rest) & {row.variable for row in server.TABLE}}
    server.parse([], of_the_server)
    assert set(rest) <= MORE[program] | {setting.variable for setting in OF_THE_SCENARIO}


def _make(variables: Mapping[str, str], words: list[str]) -> None:
    target, *given = words
    assert target in MAKE_TARGETS
    _check_settings(target, {**variables, **dict(word.split("=", 1) for word in given)}, "make")


def _lab(variables: Mapping[str, str], words: list[str]) -> None:
    verb, *flags = check.words(words)
    assert verb in VERBS
    if verb in TABLE and verb not in BENCHMARKS:
        assert words[1:]
        return
    parser = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False)
    settings.add_flags(parser, bench.TABLES.get(verb, (*settings.SETTINGS, *OF_THE_SCENARIO)))
    found = {name: value for name, value in vars(parser.parse_args(flags)).items() if value is not None}
    _check_settings(verb, {**variables, **found}, "lab")


def _installed(variables: Mapping[str, str], words: list[str]) -> None:
    assert "holdfast" in tomllib.loads(text("pyproject.toml"))["project"]["scripts"]
    flags, given = make_variables.split(words)
    _lab({**variables, **given}, flags)


def _pip(variables: Mapping[str, str], words: list[str]) -> None:
    assert words in (["holdfast"], ["./holdfast"], ["NAME"])


def _folder(variables: Mapping[str, str], words: list[str]) -> None:
    assert words == ["load-tests"]  # made by the command before it


def _server(variables: Mapping[str, str], words: list[str]) -> None:
    server.parse([OF_THE_READER.get(("MODEL", word), word) for word in words], variables)


def _rawsocket(variables: Mapping[str, str], words: list[str]) -> None:
    assert rawsocket(["neither"]) == 2
    of_the_shell = {name for name, value in variables.items() if value.startswith("$(")}
    from_environ({name: value for name, value in variables.items() if name not in of_the_shell}, ["hold"])
    assert set(variables) <= set(BY_NAME)
    assert words in (["master"], ["worker"])


def _pytest(variables: Mapping[str, str], words: list[str]) -> None:
    assert (ROOT / words[0]).exists()
    assert words[1::2] in ([], ["-k"])


def _tutorial(variables: Mapping[str, str], words: list[str]) -> None:
    assert (ROOT / "locustfiles/tutorial.py").is_file()
    assert all(re.fullmatch(r"[\w.]+:\d+", word) for word in words)


def _compose(variables: Mapping[str, str], words: list[str]) -> None:
    _check_settings("ci", variables, "docker")
    assert words in (["--build"], ["--build", "--exit-code-from", "master"])
    assert re.search(r"^  master:$", text("compose.yaml"), re.M)


def _compose_with_target(variables: Mapping[str, str], words: list[str]) -> None:
    if words[2] == "compose.watch.yaml":
        assert words[:2] == ["compose.yaml", "-f"]
        assert words[3] == "up"
        return _compose(variables, words[4:])
    assert words[:3] == ["compose.yaml", "-f", "compose.target.yaml"]
    more = words[3:] if words[3] == "up" else words[5:]
    assert more[0] == "up"
    assert words[3:5] in (["up", "--build"], ["-f", "compose.network.yaml"])
    _compose(variables, more[1:])


def _exec(variables: Mapping[str, str], words: list[str]) -> None:
    assert "label=com.docker.compose.service=server)" in words


def _histograms(variables: Mapping[str, str], words: list[str]) -> None:
    log = words[words.index("-i") + 1]
    assert log.removeprefix("runs/latest/") in ARTEFACTS


CHECKS = {
    ("make",): _make,
    ("holdfast",): _installed,
    ("pip", "install"): _pip,
    ("cd",): _folder,
    (".venv/bin/python", "-m", "lab"): _lab,
    ("python", "-m", "lab"): _lab,
    (".venv/bin/python", "-m", "pytest"): _pytest,
    (".venv/bin/python", "-m", "server"): _server,
    (".venv/bin/python", "-m", "rawsocket"): _rawsocket,
    ("python", "-m", "rawsocket"): _rawsocket,
    ("python", "locustfiles/tutorial.py"): _tutorial,
    ("docker", "compose", "up"): _compose,
    ("docker", "compose", "-f"): _compose_with_target,
    ("docker", "exec"): _exec,
    ("java",): _histograms,
}


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 50
    assert {page for page, _ in COMMANDS} >= {README, "docs/story.md", "docs/ci.md", "docs/scenarios.md"}


@pytest.mark.parametrize("verb", VERBS)
def test_settings_page_names_each_command_of_the_lab(verb: str) -> None:
    assert f"`{verb}`" in text("docs/settings.md")


def test_readme_has_the_eight_most_used_commands() -> None:
    found = [row[0].removeprefix("make ") for row in rows(README) if row[0].startswith("make ")]
    assert len(found) == 8
    assert set(found) <= set(MAKE_TARGETS)


def test_pinned_make_targets_exist() -> None:
    assert set(LAB_TARGETS) <= set(MAKE_TARGETS)
    assert set(VERBS) <= set(MAKE_TARGETS)


@pytest.mark.parametrize("target", MAKE_TARGETS)
def test_each_make_target(target: str) -> None:
    assert any(re.search(rf"make {target}\b", text(page)) for page in PAGES)


def test_each_command_means_the_same_in_every_shell() -> None:
    """zsh, unlike sh, makes one word of an unquoted variable."""
    assert [(page, line) for page, line in COMMANDS if re.search(r"(?<!\$\()\$\{?[A-Za-z_]", line)] == []
