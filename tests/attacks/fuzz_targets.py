"""What is fuzzed: each reader of foreign bytes, and what has to hold of whatever it reads."""

from __future__ import annotations

import ipaddress
import unicodedata
import warnings

import msgspec
from cryptography.utils import CryptographyDeprecationWarning
from google.protobuf.message import DecodeError

from fleet.cli.terminal import plain
from fleet.core.address import parse_query
from fleet.core.board import Board as BoardOfTeam
from fleet.core.delivery import State
from fleet.core.directory import AgentEntry, Presence
from fleet.core.envelope import Entry
from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import VersionMismatch
from fleet.core.errors.requests import MalformedName, MalformedRequest, WrongState
from fleet.core.errors.trust import NotPaired
from fleet.core.frames import (
    PROTOCOL,
    Ask,
    Differing,
    DirectoryWord,
    Frame,
    Hello,
    PeekAsk,
    Report,
    Reports,
    RosterWord,
    Standing,
    Unknown,
)
from fleet.core.invitation import Invitation, make_token, parse_token
from fleet.core.keystrokes import clean
from fleet.core.roster import Admit, Retire, Revoke, Succeed
from fleet.core.task import TaskAdded, TaskClaimed, Wanted
from fleet.core.team_commands import (
    Actor,
    AddTask,
    AssignTask,
    ChangeTask,
    ClaimTask,
    FinishTask,
    TaskCommand,
    decide,
)
from fleet.core.team_events import Event, Founded, Happened, Planned, Seated
from fleet.teamlog import (
    command_from_json,
    command_to_json,
    entry_from_json,
    entry_to_json,
    verb_of,
)
from fleet.v1 import link_pb2, pairing_pb2
from fleet.wire.errors import error_from_bytes, error_to_bytes
from fleet.wire.frames import frame_from_wire, frame_to_wire
from fleet.wire.roster import write_body
from node.adapters import adverts
from node.adapters.interfaces import Place
from node.adapters.pki import (
    check_certificate,
    check_root,
    key_id,
    new_node_key,
    new_root_key,
    node_certificate,
    pem_id,
    pem_of,
    public_key_from,
    root_certificate,
)
from node.adapters.seal import sign_by_power, sign_entry, verify_entry
from node.doors import teamviews
from node.doors.local import Request
from tests.attacks.fuzz import Broken, Target
from tests.attacks.hostile import letter, wire_of

PEER = "p" * 52
_ROOT = new_root_key()
_ROOT_DER = root_certificate(_ROOT)
_KEY = new_node_key()
_ID = key_id(_KEY.public_key())
_DER = node_certificate(_KEY.public_key(), _ROOT, _ROOT_DER)
_ADMIT = sign_entry(Admit(_ID, "rin", _DER), _ROOT)
_REVOKE = sign_entry(Revoke(_ID, "why"), _ROOT)
_FLEET_ID = key_id(_ROOT.public_key())
_HEIR = new_root_key()
_SUCCEED = sign_entry(Succeed(key_id(_HEIR.public_key()), root_certificate(_HEIR)), _ROOT)
_RETIRE = sign_by_power(Retire(_FLEET_ID, (_SUCCEED.entry_id,)), _HEIR, _FLEET_ID, _SUCCEED)
_SIGNED = (_ADMIT, _REVOKE, _SUCCEED, _RETIRE)
_ON = ipaddress.ip_interface("10.77.0.1/24")
_AROUND = (Place(_ON.ip, _ON.network, 2),)


def frame(data: bytes) -> None:
    """Read or refused; what was read is written and read as the same, unless it is a newer version's."""
    read = frame_from_wire(link_pb2.Frame.FromString(data), PEER)
    if isinstance(read, Unknown) or (isinstance(read, Ask) and read.question is None):
        return
    written = frame_to_wire(read).SerializeToString(deterministic=True)
    again = frame_from_wire(link_pb2.Frame.FromString(written), PEER)
    if frame_to_wire(again).SerializeToString(deterministic=True) != written:
        raise Broken("another frame the second time")


def pairing(data: bytes) -> None:
    """Both sides' steps; a name in it is a name or refused."""
    pairing_pb2.InviterStep.FromString(data)
    pairing_pb2.JoinerStep.FromString(data)


def roster(data: bytes) -> None:
    """No entry but those that were signed; the last 64 bytes are taken for the signature."""
    body, signature = data[:-64], data[-64:]
    verify_entry(body, signature, _ROOT_DER)
    if body not in {signed.body for signed in _SIGNED}:
        raise Broken("an entry that nobody signed")


def certificate(data: bytes) -> None:
    """A node's or a root's certificate, or refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # odd serial numbers
        _certificate(data)


def _certificate(data: bytes) -> None:
    for read in (lambda: check_root(data), lambda: public_key_from(data), lambda: pem_id(data)):
        try:
            read()
        except NotPaired:
            continue
    if check_certificate(data, _ROOT_DER) and data != _DER:
        raise Broken("a certificate that nobody made")


def error(data: bytes) -> None:
    """An error of ours, or none; bounded, and told again as the same."""
    read = error_from_bytes(data)
    if read is None:
        return
    if len(read.message) > 4_096:
        raise Broken("an error without bounds")
    again = error_from_bytes(error_to_bytes(read))
    if again is not None and again.code != read.code:
        raise Broken("another error the second time")


def token(data: bytes) -> None:
    """A token that was read is the token that is made of it."""
    text = data.decode("utf-8", "surrogateescape")
    read = parse_token(text)
    if parse_token(make_token(read)) != read:
        raise Broken("another token the second time")


def text(data: bytes) -> None:
    """Nothing is left of what steers a terminal; twice is once."""
    said = data.decode("utf-8", "surrogatepass" if data[:1] == b"s" else "replace")
    once = clean(said)
    for char in set(once.text) - set("\n\t\u200c\u200d\ufe0f"):
        if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
            raise Broken(f"{char!r} is left")
    if clean(once.text) != type(once)(once.text, 0):
        raise Broken("cleaning twice changes more")
    if any(unicodedata.category(char) == "Cc" and char not in "\n\t" for char in plain(said)):
        raise Broken("a terminal would be steered")


def query(data: bytes) -> None:
    """A name that was read is read as the same from what is printed of it."""
    read = parse_query(data.decode("utf-8", "surrogateescape"))
    if parse_query(str(read)) != read:
        raise Broken("another query the second time")


def advert(data: bytes) -> None:
    """Name, texts, port and address out of one piece; what is believed is on our link."""
    parts = data.split(b"\x00", 5)
    name, node_id, mark, version, port, *rest = (*parts, *(b"",) * 6)[:7]
    words: dict[bytes, bytes | None] = {b"id": node_id, b"h": mark, b"v": version}
    packed = [rest[0][:4], rest[0][:16]]
    read = adverts.read(
        name.decode("latin-1"), words, int.from_bytes(port[:3], "big"), packed, _AROUND
    )
    board = adverts.Board()
    board.put(read, is_member=False)
    board.take_down(name.decode("latin-1"))
    if not all(address.startswith("10.77.0.") for address in read.addresses):
        raise Broken("an address that is not on our link")


def door(data: bytes) -> None:
    """A line of the local door."""
    msgspec.json.decode(data, type=Request)


def entry(data: bytes) -> None:
    """An entry of a team's log: told again as the same, and shown to people."""
    read = entry_from_json(data)
    if entry_from_json(entry_to_json(read)) != read:
        raise Broken("another entry the second time")
    teamviews.happened(read)


def log(data: bytes) -> None:
    """Entries, one a line: a log, or refused; whoever reads the board is not led astray."""
    board = BoardOfTeam()
    try:
        board.fold(map(entry_from_json, data.split(b"\n")))
    except (ValueError, KeyError):
        return
    for task in board.tasks.values():
        board.waits_for(task)
    board.next_claimable()


def command(data: bytes) -> None:
    """A verb, a space, its arguments; decided on a board, or refused."""
    verb, _, arguments = data.partition(b" ")
    read = command_from_json(verb.decode("latin-1"), arguments)
    if command_from_json(verb_of(read), command_to_json(read)) != read:
        raise Broken("another command the second time")
    board = BoardOfTeam()
    board.fold(_LOG)
    events = decide(board, _LEAD, read)
    board.fold(Happened(board.head + n, 1.0, "", "", one) for n, one in enumerate(events, 1))


_LEAD = Actor("rin@nova", PEER, "rin", is_home=True)
_HAPPENED: tuple[Event, ...] = (
    Founded("site", PEER), Planned("{}", "rin", (("impl", 2),), 600.0), Seated("rin", "impl", "rin", PEER),
    TaskAdded(1, Wanted("one", "text", ("a.py",), ("python",), "s")), TaskAdded(2, Wanted("two", after=(1,))),
    TaskClaimed(1, "rin"),
)  # fmt: skip
_LOG = tuple(Happened(n, 1.0, "rin@nova", "k", one) for n, one in enumerate(_HAPPENED, 1))
_COMMANDS: tuple[TaskCommand, ...] = (
    AddTask(Wanted("three", after=(1, 2), parent=1)), ClaimTask(), AssignTask(2, "rin"), ChangeTask(1, Wanted("x")),
    FinishTask(1, "commit abc", 6),
)  # fmt: skip
_SAID: tuple[Frame, ...] = (
    Hello(PROTOCOL, "0.1", "nova", "b" * 16, "e" * 16, ("10.0.0.1:7717",), "d" * 64),
    RosterWord(_SIGNED),
    DirectoryWord(True, (AgentEntry("rin", PEER, "claude", Presence.ONLINE, 7),), ("neo",)),
    Reports((Report("0" * 26, 1, (Entry(State.HELD, 1.0, "nova", "draft"),), 2),)),
    Ask(3, PeekAsk("neo@nova", "rin", 10)),
    Standing((("0" * 26, 1),), (("1" * 26, 2),)),
    Differing(("0" * 26,), (("1" * 26, State.SUBMITTED),)),
)
_FRAMES = (wire_of(letter("text", to="rin"), letter()), *map(frame_to_wire, _SAID))
_ADVERT = b"\x00".join(
    (
        f"{_ID[:12]}.{adverts.SERVICE}".encode(),
        _ID.encode(),
        b"a" * 16,
        b"1",
        b"\x1e%",
        b"\x0aM\x00\x02",
    )
)
TARGETS = {
    "frame": Target(
        frame, (DecodeError, MalformedRequest), tuple(f.SerializeToString() for f in _FRAMES)
    ),
    "pairing": Target(
        pairing,
        (DecodeError,),
        (
            pairing_pb2.JoinerStep(
                knock=pairing_pb2.Knock(protocol=1, invitation="0" * 16, name="rin", nonce=b"n")
            ).SerializeToString(),
        ),
    ),
    "roster": Target(
        roster,
        (NotPaired,),
        (*(signed.body + signed.signature for signed in _SIGNED),
         write_body("f" * 52, _ADMIT.entry) + _ADMIT.signature,
         write_body(_FLEET_ID, _RETIRE.entry, _REVOKE) + _RETIRE.signature),
    ),
    "certificate": Target(certificate, (NotPaired,), (_DER, _ROOT_DER, pem_of(_DER))),
    "error": Target(error, (), (error_to_bytes(NotPaired("no", hint="yes")),)),
    "token": Target(
        token,
        (MalformedRequest,),
        (make_token(Invitation(_ID, b"s" * 16, ("10.0.0.1:7717", "[fd00::1]:1"))).encode(),),
    ),
    "text": Target(text, (UnicodeDecodeError,), (b"hi\x1b[201~\r\nthere\t\xe2\x80\xae", b"s\xed\xa0\x80")),
    "query": Target(query, (MalformedName,), (b"team/rin@nova~abcd", b"nova:rin", b"rin")),
    "advert": Target(advert, (adverts.BadAdvert,), (_ADVERT,)),
    "entry": Target(
        entry, (MalformedRequest, VersionMismatch), tuple(map(entry_to_json, _LOG))
    ),
    "log": Target(
        log, (MalformedRequest, VersionMismatch, WrongState), (b"\n".join(map(entry_to_json, _LOG)),)
    ),
    "command": Target(
        command, (FleetError,),
        tuple(verb_of(one).encode() + b" " + command_to_json(one) for one in _COMMANDS),
    ),
    "door": Target(
        door, (msgspec.DecodeError, UnicodeDecodeError), (b'{"call": "send", "args": {"to": ["rin", 1e9]}}',)
    ),
}  # fmt: skip
