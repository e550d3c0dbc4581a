"""The fake `docker` and `docker-compose` of fake_docker.py: a script with few imports, because tests call it often."""

from __future__ import annotations

import json
import os
import sys
import time

TYPE_CHECKING = False  # typing's is one more import
if TYPE_CHECKING:
    from typing import Any


def main(folder: str, argv: list[str]) -> int:
    """Answer one call, and keep what it changes."""
    file = os.path.join(folder, "state.json")
    with open(file) as before:
        state = json.load(before)
    images = state.setdefault("images", [])
    call: dict[str, Any] = {"argv": argv, "env": dict(os.environ), "pid": os.getpid(), "session": os.getsid(0)}
    code = _answer(folder, argv, state, images, call)
    with open(file, "w") as after:
        json.dump(state, after)
    return code


def _answer(folder: str, argv: list[str], state: dict[str, Any], images: list[str], call: dict[str, Any]) -> int:
    name, *arguments = argv
    verb = arguments[0] if arguments else ""
    compose = name == "docker-compose" or verb == "compose"
    if verb == "import":
        call["archive"] = _names_in_archive()
    if verb == "build":
        with open(os.path.join(arguments[-1], "Dockerfile")) as dockerfile:
            call["dockerfile"] = dockerfile.read()
    with open(os.path.join(folder, "calls.jsonl"), "a") as calls:
        calls.write(json.dumps(call) + "\n")
    for words, (code, text) in state.get("fail", {}).items():
        if set(words.split()) <= set(argv):
            out = sys.stderr if verb == "context" else sys.stdout
            out.write(text)
            out.flush()
            return _hang() if code == "hang" else int(code)
    if compose:
        return 0 if name == "docker-compose" or state.get("plugin", True) else 1
    if verb == "image":
        return 0 if arguments[-1] in images else 1
    if verb == "pull":
        return _add(arguments[-1], images) if arguments[-1] in state.get("pullable", []) else 1
    if verb == "import":
        return _add(arguments[-1], images)
    if verb == "build":
        return _add(arguments[arguments.index("--tag") + 1], images)
    if verb == "context" and "host" in state:
        sys.stdout.write(state["host"] + "\n")
        return 0
    return 1


def _names_in_archive() -> list[str]:
    import tarfile

    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        return archive.getnames()


def _add(image: str, images: list[str]) -> int:
    images.append(image)
    return 0


def _hang() -> int:
    time.sleep(300)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
