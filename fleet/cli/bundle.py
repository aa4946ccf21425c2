"""The support bundle of ``doctor --bundle``: how this node does, without anything of what it carries.

Values are rewritten by ``fleet/core/redact.py``. Neither keys, nor the database, nor any file of a home goes in
as it is; of logs only the newest lines do.
"""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
import time
from pathlib import Path
from typing import cast

from fleet.cli.door import Failed
from fleet.core.redact import WORD, Redactor
from fleet.paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from fleet.cli.command import Invocation

    Line = dict[str, Any]

_LINES = 500
_TAIL_BYTES = 1024 * 1024
_NAMING = ("node", "peer", "agent", "name", "to", "inviter", "operator", "member", "sender")
"""Fields of logs and answers that say how somebody is called."""
_NOBODY = ("", "operator")
_PACKAGES = ("grpcio", "protobuf", "cryptography", "zeroconf", "libtmux", "msgspec", "structlog")
_FOLDER = "fleet-support"
_README = """\
A support bundle. It tells how a node does: versions, what `fleet doctor` and `fleet status` say, the
configuration, and the newest lines of the node's log.

Left out altogether: keys, tokens, texts of messages, the database, the audit log, agents' screens.
Every word that the program does not say itself is replaced by a pseudonym, like <2b91c0de>: names of nodes, agents,
people and hosts, addresses, paths, ids. The same name has the same pseudonym in all files of this bundle,
and another in the next. Nobody can turn it back, you included.

Look through it before you send it; it is short.
"""


def write(call: Invocation, checks: list[dict[str, str]], asked: str) -> str:
    """Write the bundle to the file that was asked for, or to one here with a name of its own; its path.

    Raises:
        UsageError: the file is there already, or cannot be written.
    """
    path = asked or time.strftime("fleet-support-%Y%m%d-%H%M%S.tar.gz", time.gmtime())
    data = _packed(dict(_files(call, checks)))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
    except OSError as error:
        raise call.usage(
            f"--bundle {path}: {error.strerror}", "name a file that is not there"
        ) from None
    return os.path.abspath(path)


def _packed(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{_FOLDER}/{name}")
            data = text.encode()
            entry.size, entry.mode, entry.mtime = len(data), 0o600, int(time.time())
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def _files(call: Invocation, checks: list[dict[str, str]]) -> Iterator[tuple[str, str]]:
    paths = Paths(Path(call.home))
    told: Line = {name: _answer(call, name) for name in ("status", "health", "nodes", "ls")}
    lines = list(_log_lines(paths))
    config = _config(paths)
    names = {*_names_in(told), *_names_in(lines), *_names_in_config(config), *_names_here()}
    redactor = Redactor(os.urandom(32), _vocabulary(), names)

    def json_text(value: object) -> str:
        return json.dumps(redactor.value(value), indent=1, ensure_ascii=False) + "\n"

    yield "README.txt", _README
    yield "versions.json", json.dumps(_versions(), indent=1) + "\n"
    yield "doctor.json", json_text(checks)
    yield "status.json", json_text(told["status"])
    yield "health.json", json_text(told["health"])
    yield "config.json", json_text(config)
    shown = (json.dumps(_line(redactor, line), ensure_ascii=False) for line in lines)
    yield "log.jsonl", "".join(f"{line}\n" for line in shown)
    yield "errors.txt", "".join(f"{line}\n" for line in _traces(redactor, paths))


def _answer(call: Invocation, name: str) -> Any:
    """What the node says, or why it does not."""
    from fleet.core.errors.base import FleetError

    try:
        return call.ask(name).result
    except Failed as failed:
        return {"error": failed.error["code"]}
    except FleetError as error:
        return {"error": error.code}


# --- what is there ---


def _log_lines(paths: Paths) -> Iterator[Line]:
    """The newest lines of the node's log, oldest first; what is no line of it is left out."""
    texts = [_tail(paths.log.with_name(f"{paths.log.name}.1")), _tail(paths.log)]
    for line in "\n".join(texts).splitlines()[-_LINES:]:
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict):
            yield told


def _line(redactor: Redactor, line: Line) -> Line:
    """Of a traceback only where it happened."""
    rest = {key: value for key, value in line.items() if key != "exception"}
    where = [*redactor.frames(str(line.get("exception", "")))]
    return {**redactor.value(rest), **({"exception": where} if where else {})}


def _traces(redactor: Redactor, paths: Paths) -> Iterator[str]:
    """Of what was written outside the log: where it happened."""
    files = sorted(paths.logs.glob("crash-*.txt"))[-5:] if paths.logs.is_dir() else []
    for file in (paths.errors, *files):
        yield from redactor.frames(_tail(file))


def _config(paths: Paths) -> Any:
    import tomllib

    try:
        return tomllib.loads(paths.config.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return {"error": "bad_config"}


def _tail(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, os.fstat(opened.fileno()).st_size - _TAIL_BYTES))
            return opened.read().decode(errors="replace")
    except OSError:
        return ""


def _versions() -> dict[str, str]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version(), "system": platform.system()}
    found["kernel"] = re.sub(r"[^0-9.].*", "", platform.release())  # behind it may stand anything
    for package in ("fleet", *_PACKAGES):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return found


# --- what it may say ---


def _vocabulary() -> frozenset[str]:
    """Every word of our own sources, the codes of errors, and the system's words for errors."""
    import builtins
    from importlib.util import find_spec

    from fleet.core.errors.tree import every_error

    words = {word for number in range(1, 134) for word in os.strerror(number).split()}
    words |= {name for name in dir(builtins) if name[0].isupper()}
    words.update(every_error())
    for package in ("fleet", "node"):
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for suffix in ("*.py", "*.toml"):
                for file in Path(folder).rglob(suffix):
                    words.update(WORD.findall(file.read_text(encoding="utf-8")))
    return frozenset(word.lower() for word in words)


def _names_in(told: Any) -> Iterator[str]:
    """Whoever is called something, anywhere in what was told."""
    kind = cast("type[object]", type(told))
    if kind is dict:
        for key, value in told.items():
            if key in _NAMING and isinstance(value, str):
                yield from (part for part in re.split(r"[@~:/\s]", value) if part not in _NOBODY)
            else:
                yield from _names_in(value)
    elif kind is list:
        for one in told:
            yield from _names_in(one)


def _names_in_config(config: Any) -> Iterator[str]:
    yield from _names_in(config)
    peers = config.get("peers")
    yield from peers if isinstance(peers, dict) else ()


def _names_here() -> Iterator[str]:
    """What this host and its user are called."""
    import pwd
    import socket

    host = socket.gethostname()
    yield host
    yield from host.split(".")
    try:
        yield pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return
