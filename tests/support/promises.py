"""Runs a command and checks what holds for every command, as docs/reference/cli.md promises it."""

from __future__ import annotations

from typing import Any

from fleet.cli.command import Group
from fleet.cli.main import TABLE, load
from fleet.core.errors.base import LAYERS
from tests.support.homes import UP, Home, Said
from tests.support.pages import exit_codes, json_fields

ERROR_FIELDS = {"code", "message", "hint", "layer", "candidates"}


def run(home: Home, *words: str, stdin: str | bytes | None = None) -> Said:
    """Run a command for a person; its exit code is one of its section's, an error has a hint."""
    said = home.run(*words, stdin=stdin)
    assert said.code in exit_codes(_command(words)), said
    assert "Traceback" not in said.out + said.err, said
    if said.code:
        error = [n for n, line in enumerate(said.err.splitlines()) if line.startswith("error: ")]
        hints = [n for n, line in enumerate(said.err.splitlines()) if line.startswith("hint: ")]
        assert len(error) == len(hints) == 1, said
        assert error < hints, said
    return said


def told(home: Home, *words: str, code: int = 0, stdin: str | bytes | None = None) -> Any:
    """The JSON of a command that ends with ``code``, an error without its wrapping.

    Standard output has that one value and standard error nothing; the fields are those of the
    command's section.
    """
    cut = words.index("--") if "--" in words else len(words)
    said = home.run(*words[:cut], "--json", *words[cut:], stdin=stdin)
    command = _command(words)
    assert said.code == code, said
    assert code in exit_codes(command), f"fleet {command} ends with {code}, says no page"
    assert said.err == "", said
    value = said.json
    if code and isinstance(value, dict) and value.keys() == {"error"}:
        error = value["error"]
        assert error.keys() == ERROR_FIELDS
        assert error["layer"] in LAYERS
        assert error["message"]
        assert error["hint"], f"no hint: {error}"
        return error
    fields = json_fields(command)
    for row in value if isinstance(value, list) else [value]:
        assert fields <= row.keys() <= fields | {"reason"}, command
    return value


def sent(home: Home) -> str:
    """A node that was up, with a letter in its inbox; the letter's id."""
    told(home, *UP)
    return str(told(home, "send", "operator", "keep me")["id"])


def _command(words: tuple[str, ...]) -> str:
    plain = [word for word in words if not word.startswith(("-", "/"))]
    if plain[0] in TABLE and isinstance(load(plain[0]), Group):
        return " ".join(plain[:2])
    return "send" if plain[0] == "hey" else plain[0]
