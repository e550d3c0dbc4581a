"""Pure: settings that a scenario declares for itself. They are flags, variables and fields of the page's form.

    ScenarioSetting("topic", "news", "what to subscribe to")      # at the top level of the scenario's file

Rules:

- The scenario's code uses them with `self.option("topic")`. Locust gets their flags because a declaration is kept in
  DECLARED when the file is imported.
- The lab can't import a scenario, since that would import Locust. It reads the declarations from the source. So their
  arguments are literals.
- compose passes a fixed list of variables. All settings of a scenario pass as one, SCENARIO_SETTINGS, which
  `python -m rawsocket` takes apart. A variable of a setting's own has priority.
"""

import ast
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rawsocket.settings.row import BOOLEAN, TEXT, Kind, Setting, one_of
from rawsocket.settings.suggestion import suggestion
from rawsocket.settings.table import BY_NAME

NAME = "ScenarioSetting"
PASSED_ON = "SCENARIO_SETTINGS"
_TYPES = {"str": str, "int": int, "float": float, "bool": bool}
# Variables that a system or a tool sets; a setting would take its value from them by accident.
_OF_THE_SYSTEM = re.compile(
    r"(PATH|HOME|USER|LOGNAME|SHELL|LANG|PWD|OLDPWD|TERM|HOSTNAME|HOST|MAIL|TMPDIR|DISPLAY|EDITOR|CI|LC_.*"
    r"|(HOLDFAST|SERVER|LOCUST|DOCKER|COMPOSE|PYTHON|MAKE|SSH|XDG)_.*)"
)


class DeclaredSetting(Setting):
    """A row that a scenario declares. ValueError, one line, if it can't be one."""

    secret: bool

    def __init__(
        self,
        name: str,
        default: Any = None,
        help: str = "",
        type: type[str] | type[int] | type[float] | type[bool] = str,
        choices: Sequence[str] = (),
        secret: bool = False,
    ) -> None:
        text = None if default is None else str(default).lower() if type is bool else str(default)
        super().__init__(name, _kind(type, choices), text, help or "a setting of the scenario", "the scenario says so")
        object.__setattr__(self, "secret", secret)
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise ValueError(f"{name!r} is no name of a setting: expected lower case letters, digits and _")
        if self.variable in BY_NAME or _OF_THE_SYSTEM.fullmatch(self.variable):
            raise ValueError(f"a setting can't have the name {name!r}: {self.variable} is taken; choose another one")
        if text:
            self.parse(text)

    @property
    def start(self) -> Any:
        """The value of the default, None if it must be given."""
        return None if self.default is None else self.parse(self.default)


class ScenarioSetting(DeclaredSetting):
    """A setting that a scenario declares at the top level of its file.

    `name`: such as "topic"; the flag is --topic, the variable TOPIC. `default`: None means that it must be given.
    `type`: str, int, float or bool. `choices`: the values that a text may have. `secret`: it is not on the page and not
    in the files of a run.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        DECLARED[self.name] = self


#: What the scenarios that this process has imported declare.
DECLARED: dict[str, DeclaredSetting] = {}


def read(path: Path) -> list[DeclaredSetting]:
    """Return what a scenario declares, from its source. ValueError, one line with file and line, for what is wrong."""
    place = f"{path.parent.name}/{path.name}"
    try:
        tree = ast.parse(path.read_text())
    except SyntaxError as error:
        raise ValueError(f"{place}:{error.lineno}: SyntaxError: {error.msg}") from None
    found: dict[str, DeclaredSetting] = {}
    for call in _calls(tree):
        try:
            row = DeclaredSetting(*map(_literal, call.args), **{str(k.arg): _literal(k.value) for k in call.keywords})
        except (ValueError, TypeError) as error:
            raise ValueError(f"{place}:{call.lineno}: {_without_class(str(error))}") from None
        found[row.name] = row
    return list(found.values())


def checked(rows: Iterable[DeclaredSetting], environ: Mapping[str, str], scenario: str) -> dict[str, str]:
    """Return {variable: text} of the settings that are given, checked. ValueError, one line, for what is wrong."""
    rows = list(rows)
    passed = _passed_on(environ.get(PASSED_ON, ""), rows, scenario)
    found = {}
    for row in rows:
        text = environ.get(row.variable, "").strip() or passed.get(row.variable, "")
        if text:
            _parse(row, text)
            found[row.variable] = text
        elif row.default is None:
            raise ValueError(f"{row.variable} is not set, and the scenario {scenario} needs it: set {row.variable}")
    return found


def as_one(given: Mapping[str, str]) -> str:
    """Return the value of SCENARIO_SETTINGS for {variable: text}."""
    return json.dumps(given) if given else ""


def _passed_on(text: str, rows: Iterable[DeclaredSetting], scenario: str) -> dict[str, str]:
    known = [row.variable for row in rows]
    found = {}
    for name, value in BY_NAME[PASSED_ON].parse(text).items() if text.strip() else ():
        if name.upper() not in known:
            hint = suggestion(name.upper(), known) or f"; it declares {', '.join(known) or 'none'}"
            raise ValueError(f"{PASSED_ON}: the scenario {scenario} has no setting {name.upper()}{hint}")
        found[name.upper()] = value
    return found


def _parse(row: DeclaredSetting, text: str) -> None:
    try:
        row.parse(text)
    except ValueError as error:
        raise ValueError(str(error).replace(repr(text), "***") if row.secret else str(error)) from None


def _kind(type: type, choices: Sequence[str]) -> Kind:
    if choices:
        return one_of(*choices)
    kinds: dict[Any, Kind] = {str: TEXT, int: Kind(_int, "NUMBER"), float: Kind(_float, "NUMBER"), bool: BOOLEAN}
    if type not in kinds:
        raise ValueError("a setting has one of the types str, int, float and bool")
    return kinds[type]


def _int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("expected a whole number") from None


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("expected a number") from None


def _calls(tree: ast.Module) -> list[ast.Call]:
    """Return the declarations at the top level, in their order."""
    blocks = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for statement in tree.body if not isinstance(statement, blocks) for node in ast.walk(statement)]
    calls = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == NAME]
    return sorted(calls, key=lambda call: call.lineno)


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Name) and node.id in _TYPES:
        return _TYPES[node.id]
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise ValueError(
            f"{NAME} takes literals only, not {ast.unparse(node)}: the lab reads them from the file"
        ) from None


def _without_class(error: str) -> str:
    """Return a TypeError's text in the words of the scenario."""
    return error.replace(f"{DeclaredSetting.__name__}.__init__()", NAME).replace("__init__()", NAME)
