"""Profile files as a node would read them, and what it would read and yet would not serve its person.

What is wrong with a file is what ``fleet/profiles`` says of it; here it gets its line. What is only
unwise (a pattern that finds an empty row, say) is a warning.
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from dataclasses import dataclass, fields
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, cast

from fleet.core.errors.requests import BadConfig
from fleet.core.profile import Hooks, Profile
from fleet.profiles import load

_KEYS = tuple(field.name for field in fields(Profile) if field.name != "name")
_HOOK_KEYS = tuple(field.name for field in fields(Hooks))
_AT_LINE = re.compile(r"\(at line (\d+)")
_AT_KEY = re.compile(r"^(.*) - at `\$\.([^`]+)`$", re.DOTALL)
_SOME_DRAFT = "write the tests first, then"
_EVERY_ROW = "matches an empty row, so it is found on every screen"
_EVERY_TITLE = "matches an empty title, so it is found on every pane"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a file. ``line`` is 0 where it is not known."""

    verdict: str
    key: str
    reason: str
    line: int = 0
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """One file and everything found in it."""

    file: str
    name: str
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        """``fail``, ``warn`` or ``ok``: the worst of what was found."""
        found = {finding.verdict for finding in self.findings}
        return next((verdict for verdict in ("fail", "warn") if verdict in found), "ok")

    def as_json(self) -> dict[str, object]:
        """The file as programs get it."""
        shown = [
            {"verdict": f.verdict, "key": f.key, "line": f.line or None, "reason": f.reason,
             "hint": f.hint}
            for f in self.findings
        ]  # fmt: skip
        return {"file": self.file, "name": self.name, "verdict": self.verdict, "findings": shown}


def files(folder: str, words: list[str]) -> list[Path]:
    """The files that are meant: paths as they are, names as a node finds them, else all of a folder.

    Raises:
        UnknownProfile: a name that no file has.
    """
    if not words:
        return sorted(Path(folder).glob("*.toml"))
    return [
        Path(word) if "/" in word or word.endswith(".toml") else _named(folder, word)
        for word in words
    ]


def _named(folder: str, name: str) -> Path:
    own = {_plain_name(path): path for path in sorted(Path(folder).glob("*.toml"))}
    shipped = Path(str(resources.files("fleet.profiles")))
    known = {path.stem: path for path in sorted(shipped.glob("*.toml"))} | own
    found = known.get(name.strip().lower().replace("_", "-"))
    if found is None:
        from fleet.core.errors.requests import UnknownProfile

        raise UnknownProfile(name, tuple(sorted(known)))
    return found


def _plain_name(path: Path) -> str:
    return path.stem.strip().lower().replace("_", "-")


def checked(path: Path) -> Checked:
    """What there is to say of one file."""
    name = _plain_name(path)
    try:
        text = path.read_bytes().decode()
        said = tomllib.loads(text)
    except OSError as error:
        findings = [Finding("fail", "", error.strerror or str(error))]
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        findings = [Finding("fail", "", "not TOML: it is not UTF-8", line)]
    except (ValueError, RecursionError) as error:
        at = _AT_LINE.search(str(error))
        findings = [Finding("fail", "", f"not TOML: {error}", int(at[1]) if at else 0)]
    else:
        findings = _unknown(text, said) or _unusable(path, text, said)
        if not findings:
            findings = [_placed(text, said, one) for one in _unwise(_read(path))]
    return Checked(str(path), name, tuple(findings))


def _unknown(text: str, said: dict[str, Any]) -> list[Finding]:
    """Keys that mean nothing, each with those it may have been meant to be."""
    hooks = said.get("hooks")
    inner = cast(dict[str, Any], hooks) if isinstance(hooks, dict) else {}
    unknown = [(key, key, _KEYS) for key in said if key not in _KEYS]
    unknown += [(f"hooks.{key}", key, _HOOK_KEYS) for key in inner if key not in _HOOK_KEYS]
    found: list[Finding] = []
    for whole, key, known in unknown:
        near = get_close_matches(key, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        found.append(Finding("fail", whole, "unknown key", _line(text, said, whole), hint))
    return found


def _unusable(path: Path, text: str, said: dict[str, Any]) -> list[Finding]:
    try:
        _read(path)
    except BadConfig as error:
        return [_placed(text, said, Finding("fail", "", error.message))]
    return []


def _read(path: Path) -> Profile:
    """The profile as a node reads it, out of a folder that has no other file.

    Raises:
        BadConfig: it cannot be used; the message is without the file.
    """
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder, path.name)
        alone.symlink_to(path.absolute())
        try:
            return load(Path(folder)).named(_plain_name(path))
        except BadConfig as error:
            why = error.message.removeprefix(f"{alone}: ")
            raise BadConfig.rebuilt(why, error.hint, error.layer, ()) from None


def _placed(text: str, said: dict[str, Any], finding: Finding) -> Finding:
    """The finding with its key taken out of the sentence, and its line."""
    at = _AT_KEY.match(finding.reason)
    reason, key = (at[1], at[2]) if at else (finding.reason, finding.key)
    return Finding(finding.verdict, key, reason, _line(text, said, key), finding.hint)


def _line(text: str, said: dict[str, Any], key: str) -> int:
    """The line on which a key (``hooks.text``, ``dialog[1]``) gets its value; 0 if that is not seen."""
    lines = text.splitlines()
    at = -1
    value: Any = said
    for name in re.findall(r"[^.\[\]]+", key):
        if isinstance(value, dict):
            value = cast(dict[str, Any], value).get(name)
            sought = re.compile(rf"\s*(\[\s*)?[\"']?{re.escape(name)}[\"']?\s*[=\].]")
        else:
            value = value[int(name)]
            sought = re.compile(f".*{re.escape(str(value))}")
        at = next((n for n in range(max(at, 0), len(lines)) if sought.match(lines[n])), at)
    return at + 1


def _unwise(profile: Profile) -> list[Finding]:
    """What a node would read, and its person would not have wanted.

    ``continuation`` may match an empty row: an empty line of an input is one.
    """
    rows = [("prompt", profile.prompt)] if profile.prompt and profile.prompt.match(" ") else []
    several = (("starting", profile.starting), ("dialog", profile.dialog), ("busy", profile.busy))
    for key, patterns in several:
        rows += [(f"{key}[{n}]", one) for n, one in enumerate(patterns) if one.search("")]
    found = [Finding("warn", key, _EVERY_ROW) for key, _ in rows]
    for key in ("pane_title", "dialog_title", "busy_title"):
        pattern: re.Pattern[str] | None = getattr(profile, key)
        if pattern and pattern.search(""):
            found.append(Finding("warn", key, _EVERY_TITLE))
    for key in ("placeholder", "folded"):
        pattern = getattr(profile, key)
        if pattern and pattern.fullmatch(_SOME_DRAFT):
            found.append(Finding("warn", key, "matches any text, so a draft is not seen as one"))
    if profile.prompt is None:
        found.append(
            Finding("warn", "prompt", "there is none: only the terminal tells when to type")
        )
        if profile.dialog:
            why = "without a prompt, text in the conversation is taken for a question too"
            found.append(Finding("warn", "dialog", why))
    return found
