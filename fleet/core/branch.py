"""The name of the branch that a member works on: made from a pattern, and safe wherever git takes one.

Every name that passes here is one that ``git check-ref-format --branch`` takes as it stands. The reverse is
not so: what git would take and a person would trip over (an object's id, an invisible character, a name
too long for a file) is refused too.
"""

from __future__ import annotations

import re
from unicodedata import normalize

from fleet.core.errors.requests import MalformedRequest

FIELDS = ("team", "role", "task", "title")
MAX_NAME_BYTES = 200
"""Git keeps a branch in a file of its name, and ``.lock`` beside it: 255 bytes on every file system of ours."""
MAX_TITLE_CHARACTERS = 40

_FIELD = re.compile(r"\{([^{}]*)\}")
_NOT_PLAIN = re.compile(r"[^a-z0-9._]+")
_GAPS = (
    (re.compile(r"-{2,}"), "-"),
    (re.compile(r"\.{2,}"), "."),
    (re.compile(r"/[-._/]+|[-._]*/[-._/]*"), "/"),
    (re.compile(r"\.lock(?=/|$)", re.IGNORECASE), "-lock"),
)
_OBJECT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_FORBIDDEN = frozenset(" ~^:?*[\\")


def branch_name(pattern: str, *, team: str, role: str, task: str = "", title: str = "") -> str:
    """The pattern with its fields filled in, cleaned of what they leave behind.

    A field becomes lower case letters, digits, dots, underscores and dashes. An empty one takes the
    separator beside it along: ``{team}/{role}-{task}`` without a task is ``crew/coder``. Two roles that
    differ only in what is cleaned away get the same name; whoever comes second is told where it is in use.

    Raises:
        MalformedRequest: the pattern has another field, or no branch can be called that.
    """
    check_pattern(pattern)
    values = {"team": team, "role": role, "task": task, "title": _short(title)}
    name = _FIELD.sub(lambda field: _plain(values[field[1]]), pattern)
    for gap, filled in _GAPS:
        name = gap.sub(filled, name)
    name = name.strip("-._/")
    check_branch(name)
    return name


def check_pattern(pattern: str) -> None:
    """Refuse a pattern that no fields could make a branch of.

    Raises:
        MalformedRequest: it has a field that nobody fills in, or a brace without its other half.
    """
    unknown = [field for field in _FIELD.findall(pattern) if field not in FIELDS]
    if unknown or set("{}") & set(_FIELD.sub("", pattern)):
        raise MalformedRequest(
            f"{pattern!r} cannot name branches: "
            + (f"there is no field {{{unknown[0]}}}" if unknown else "a brace stands alone"),
            hint="fields: " + " ".join(f"{{{field}}}" for field in FIELDS),
        )
    check_branch(_FIELD.sub("x", pattern))


def check_branch(name: str) -> None:
    """Refuse what is no branch to git, or would be trouble to people.

    Raises:
        MalformedRequest: the message says which rule is broken.
    """
    why = _broken_rule(name)
    if why:
        raise MalformedRequest(
            f"{name!r} cannot be a branch: {why}", hint="for example crew/coder-2, or crew/12-title"
        )


def _broken_rule(name: str) -> str:
    """Git's rules (git-check-ref-format(1)) and ours; empty when all are kept."""
    parts = name.split("/")
    rules = (
        (not name, "it is empty"),
        (name.startswith("-"), "it begins with a dash, as options do"),
        (name in {"@", "HEAD"}, "git uses that name for something else"),
        (not name.isprintable(), "it has a character that cannot be seen"),
        (bool(_FORBIDDEN & set(name)), r"it has a space or one of ~ ^ : ? * [ \ "),
        (".." in name or "@{" in name, "it has .. or @{"),
        (not all(parts), "it begins or ends with a slash, or has two in a row"),
        (any(part.startswith(".") for part in parts), "a part of it begins with a dot"),
        (any(part.lower().endswith(".lock") for part in parts), "a part of it ends with .lock"),
        (name.endswith("."), "it ends with a dot"),
        (_OBJECT_ID.fullmatch(name) is not None, "it looks like an object's id"),
        (len(name.encode(errors="replace")) > MAX_NAME_BYTES, f"over {MAX_NAME_BYTES} bytes"),
    )
    return next((why for is_broken, why in rules if is_broken), "")


def _plain(value: str) -> str:
    """What is left of a value in a-z 0-9 . _ -; letters with accents lose them."""
    letters = normalize("NFKD", value.casefold()).encode("ascii", "ignore").decode()
    return _NOT_PLAIN.sub("-", letters).strip("-")


def _short(title: str) -> str:
    """The first words of a title, as many as fit."""
    plain = _plain(title)
    if len(plain) <= MAX_TITLE_CHARACTERS:
        return plain
    whole, dash, _ = plain[: MAX_TITLE_CHARACTERS + 1].rpartition("-")
    return whole if dash else plain[:MAX_TITLE_CHARACTERS]
