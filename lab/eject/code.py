"""Pieces of Python code: literals, calls that fit into a line, and what a module needs at its top."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lab.errors import UsageError

# Calls stand up to 16 columns further to the right.
WIDTH = 94


class CannotEject(UsageError):
    """A part of a conversation that this command doesn't write as Python."""


@dataclass
class Needs:
    """What the code of a module needs: modules, names of rawsocket by their module, and helper functions."""

    modules: set[str] = field(default_factory=set)
    names: dict[str, set[str]] = field(default_factory=dict)
    helpers: set[str] = field(default_factory=set)

    def use(self, name: str, module: str = "rawsocket") -> str:
        """Return a name that is imported from a module."""
        self.names.setdefault(module, set()).add(name)
        return name

    def module(self, name: str) -> str:
        """Return the name of a module that is imported."""
        self.modules.add(name)
        return name

    def helper(self, name: str) -> str:
        """Return the name of a helper function, which is written into the module."""
        self.helpers.add(name)
        return name

    def imports(self) -> list[str]:
        """Return the lines of the imports."""
        lines = [f"import {name}" for name in sorted(self.modules)]
        own = {name for name in self.names if name.startswith("rawsocket")}
        lines += [f"from {module} import {self._listed(module)}" for module in sorted(self.names.keys() - own)]
        lines += [""] if lines else []
        return lines + [line for module in sorted(own) for line in self._wrapped(module)]

    def _listed(self, module: str) -> str:
        return ", ".join(sorted(self.names[module]))

    def _wrapped(self, module: str) -> list[str]:
        line = f"from {module} import {self._listed(module)}"
        if len(line) <= WIDTH:
            return [line]
        return [f"from {module} import (", *(f"    {name}," for name in sorted(self.names[module])), ")"]


def literal(data: bytes) -> str:
    """Return bytes as a literal in double quotes."""
    text = repr(data)
    inner = text[2:-1]
    return text if text[1] == '"' else 'b"' + inner.replace("\\'", "'").replace('"', '\\"') + '"'


def quoted(text: str) -> str:
    """Return a text that can be shown as a literal."""
    return json.dumps(text, ensure_ascii=False)


def in_docstring(text: str) -> str:
    """Return a text as it stands in a docstring."""
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def pattern(data: bytes) -> str:
    """Return a regular expression as a literal, raw if it can be."""
    if data.isascii() and re.fullmatch(rb"[ -~]*", data) and b'"' not in data and not data.endswith(b"\\"):
        return f'rb"{data.decode()}"'
    return literal(data)


def call(name: str, arguments: Sequence[str], indent: int, before: str = "", after: str = "") -> list[str]:
    """Return the lines of a call, one for each argument if they don't fit into one line."""
    space = " " * indent
    line = f"{space}{before}{name}({', '.join(arguments)}){after}"
    if len(line) <= WIDTH:
        return [line]
    inner = [f"{space}    {argument}," for argument in arguments]
    return [f"{space}{before}{name}(", *inner, f"{space}){after}"]


def indented(lines: Iterable[str], indent: int) -> list[str]:
    """Return lines further to the right."""
    return [f"{' ' * indent}{line}" if line else line for line in lines]
