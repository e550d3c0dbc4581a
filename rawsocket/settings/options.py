"""The settings that are also flags on Locust's command line, variables and fields of the page's form.

Rules: every option is added on the parser itself, because Locust's form doesn't show (and trips over)
arguments in groups. An empty environment value counts as unset. A value out of range gives one line
that says what was expected. Adding the options has no other effect, because Locust rebuilds its parser
at every page load. Pure, except that `add_to` reads the environment.
"""

import argparse
import os
from collections.abc import Callable, Mapping
from typing import Any

from rawsocket.settings import table
from rawsocket.settings.declared import DECLARED, DeclaredSetting
from rawsocket.settings.row import Setting

OPTIONS: tuple[Setting, ...] = (*table.OPTIONS, *table.THRESHOLDS)
BY_NAME: Mapping[str, Setting] = {option.name: option for option in OPTIONS}
# Locust's options have no unset numbers. An unset threshold is not judged, and 0 means the same.
DEFAULTS: Mapping[str, Any] = {option.name: option.parse(option.default or "0") for option in OPTIONS}


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add every option to Locust's parser (never to a group), unless it is there already, and those of the scenario."""
    for option in (*OPTIONS, *DECLARED.values()):
        if option.flag not in parser._option_string_actions:
            parser.add_argument(option.flag, **_arguments(option, os.environ))


def find(name: str) -> Setting:
    """Return the option with this name, one of the scenario's included. KeyError if there is none."""
    found = DECLARED.get(name) or BY_NAME.get(name)
    if found is None:
        raise KeyError(f"no setting {name!r}: a scenario declares its own with ScenarioSetting({name!r})")
    return found


def value(options: object, name: str) -> Any:
    """Return the option's value in Locust's parsed options, or its default if those are missing."""
    option = find(name)
    return getattr(options, name, _default(option))


def of_scenario(options: object) -> dict[str, Any]:
    """Return {name: value} of the settings that the scenario declares, without secret ones."""
    return {name: value(options, name) for name, option in DECLARED.items() if not option.secret}


def _default(option: Setting) -> Any:
    return option.start if isinstance(option, DeclaredSetting) else DEFAULTS[option.name]


def _arguments(option: Setting, environ: Mapping[str, str]) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "type": _argument_type(option),
        "default": _default(option),
        "help": option.help,
        "include_in_web_ui": not getattr(option, "secret", False),  # the page's source has the values of its fields
    }
    if option.kind.choices:
        arguments["choices"] = list(option.kind.choices)
    if environ.get(option.variable) != "":
        arguments["env_var"] = option.variable
    return arguments


def _argument_type(option: Setting) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return option.parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse
