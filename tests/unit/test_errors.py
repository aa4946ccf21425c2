"""An error says what failed, on what, and what to do; its class is its code."""

import re

import pytest

from fleet.core.errors.base import LAYER_OF, LAYERS, Candidate, FleetError, IllegalTransition
from fleet.core.errors.ends import LoopStopped
from fleet.core.errors.names import (
    AmbiguousName,
    NameTaken,
    UnknownAgent,
    UnknownEnvelope,
    UnknownNode,
)
from fleet.core.errors.nodes import (
    NodeNotRunning,
    NodeUnreachable,
    PortInUse,
    UnknownCall,
    VersionMismatch,
)
from fleet.core.errors.panes import AgentAsking, HooksUnsupported, PaneGone, PaneIsShell
from fleet.core.errors.requests import (
    BadConfig,
    EmptyText,
    KeyReused,
    MalformedName,
    TooLarge,
    UndecodableText,
    UnknownProfile,
)
from fleet.core.errors.store import MailboxFull, NoSpace, NotKept
from fleet.core.errors.tree import FAMILIES, every_error
from fleet.core.errors.trust import (
    InvitationRefused,
    NotAllowed,
    NotPaired,
    RateExceeded,
    Unauthenticated,
    UnsafeHome,
)
from fleet.core.errors.worktrees import BranchInUse, UnsavedWork, WorktreeFailed

NEO = Candidate("rin@white", "white", "online", "now")
RIN = Candidate("rin@nova", "nova", "away", "")

SAID = [
    (
        EmptyText(),
        "the text is empty",
        'fleet send NAME "text", or pipe it: … | fleet send NAME -f -',
    ),
    (
        MalformedName("a b", "' ' is not allowed"),
        "'a b' is not a name: ' ' is not allowed",
        "names look like agent, agent@node or team/role@node, in a-z 0-9 . _ -",
    ),
    (
        UndecodableText("x.txt", 7),
        "x.txt is not UTF-8: the first bad byte is at offset 7",
        "convert it (iconv -t UTF-8), or send the path of the file instead",
    ),
    (
        TooLarge(11, 10),
        "the text is 11 bytes; at most 10 can be sent",
        "put it into a file that the other side can read, and send the path",
    ),
    (
        BadConfig("/h/config.toml", "no"),
        "/h/config.toml: no",
        "correct /h/config.toml, or move it away for the defaults",
    ),
    (
        KeyReused("k", "01J"),
        "key 'k' was used for another message, 01J",
        "repeat the same text to the same recipient, or take a new key",
    ),
    (
        UnknownProfile("x", ("bash", "generic")),
        "no profile is called 'x'",
        "known: bash, generic",
    ),
    (
        UnknownCall("x"),
        "this node does not know the call 'x'",
        "restart the node with the installed version: fleet down && fleet up",
    ),
    (UnknownAgent("rin"), "no agent is called rin", "fleet ls shows all"),
    (
        UnknownAgent("rin", ("rim@white", "ron@nova")),
        "no agent is called rin",
        "did you mean rim@white, ron@nova? fleet ls shows all",
    ),
    (UnknownNode("nova"), "no node is called nova", "fleet nodes shows all"),
    (
        UnknownNode("nova", ("mba", "white")),
        "no node is called nova",
        "known: mba, white; fleet nodes shows all",
    ),
    (
        UnknownEnvelope("01J"),
        "no envelope here has the id 01J",
        "fleet inbox and fleet outbox list them",
    ),
    (
        UnknownEnvelope("01J", 2),
        "2 envelopes begin with 01J",
        "fleet inbox and fleet outbox list them",
    ),
    (
        AmbiguousName("rin", (NEO, RIN)),
        "rin is ambiguous: rin@white, rin@nova",
        "say which one, for example rin@white",
    ),
    (
        NameTaken("rin@nova", "pane %3"),
        "rin@nova exists already, in pane %3",
        "take another name, or fleet forget rin first",
    ),
    (NotAllowed("neo@white", "message", "rin", "ask"), "neo@white may not message rin", "ask"),
    (
        RateExceeded("neo@white", "message", "rin", "10/m", 0.01),
        "neo@white may message rin 10/m, and its node has used that up: again in 0.1 s",
        "send it again then: fleet revive ID for what was queued; or ask for a higher rate",
    ),
    (
        RateExceeded("neo@white", "message", "rin", "10/h", 599.2),
        "neo@white may message rin 10/h, and its node has used that up: again in 600 s",
        "send it again then: fleet revive ID for what was queued; or ask for a higher rate",
    ),
    (
        RateExceeded("neo@white", "observe", "rin", "1/d", 601.0),
        "neo@white may observe rin 1/d, and its node has used that up: again in 11 min",
        "send it again then: fleet revive ID for what was queued; or ask for a higher rate",
    ),
    (
        InvitationRefused("it was used"),
        "the invitation was refused: it was used",
        "ask for a new one: fleet invite, on the node that lets you in",
    ),
    (UnsafeHome("/h", "others read it", "chmod 700 /h"), "/h is not safe to use: others read it",
     "chmod 700 /h"),
    (NodeNotRunning("/h"), "no node is running for /h", "fleet up"),
    (NodeNotRunning("/h", "it fell"), "no node is running for /h: it fell", "fleet up"),
    (
        PortInUse("0.0.0.0:7717"),
        "cannot listen on 0.0.0.0:7717: the port is in use",
        "choose another: fleet up --listen HOST:PORT",
    ),
    (
        NodeUnreachable("nova", "refused"),
        "nova cannot be reached: refused",
        "is it up? on its host: fleet up, fleet doctor; messages to nova wait meanwhile",
    ),
    (
        NoSpace("/h/fleet.db"),
        "no space left for /h/fleet.db; nothing was accepted",
        "make room on the disk that holds /h/fleet.db, then try again",
    ),
    (
        NotKept("kai is put out and cut off", NoSpace("/h/fleet.db")),
        "kai is put out and cut off, and that is not written down yet: no space left for /h/fleet.db",
        "this node goes on trying; should it end before that, do the same again",
    ),
    (
        MailboxFull("the inbox of rin@nova", 5),
        "the inbox of rin@nova holds 5 envelopes already",
        "wait until it drains, or clear it: fleet outbox, fleet cancel ID",
    ),
    (
        MailboxFull("the outbox for nova", 9, "bytes of text"),
        "the outbox for nova has no room for this one in its 9 bytes of text",
        "wait until it drains, or clear it: fleet outbox, fleet cancel ID",
    ),
    (
        PaneGone("rin@nova", "%12 closed"),
        "rin@nova has no pane: %12 closed",
        "fleet start rin, or fleet adopt rin --pane %N; messages wait for it",
    ),
    (
        PaneIsShell("pane %3", "bash"),
        "pane %3 shows a shell (bash); it would run every message as a command",
        "start the agent program first, or say so: --profile bash",
    ),
    (
        HooksUnsupported("rin"),
        "rin gets no hooks: a program takes hooks only when it starts",
        "fleet start rin --hooks -- COMMAND; without them its transcript and screen tell",
    ),
    (
        AgentAsking("rin@nova", "a question is open"),
        "rin@nova is asking: a question is open",
        "answer it there: fleet attach rin@nova; messages wait meanwhile",
    ),
    (
        LoopStopped("01J", 33),
        "conversation 01J went back and forth 33 times without a person",
        "an operator may go on: fleet send NAME, which begins a new conversation",
    ),
    (
        IllegalTransition("typed", "begin"),
        "state typed has no row for begin",
        "this is a bug in fleet; please report it",
    ),
    (WorktreeFailed("/w/rin", "a file is in its place"), "no worktree at /w/rin: a file is in its place", ""),
    (WorktreeFailed("", "/w is no folder", "name another"), "/w is no folder", "name another"),
    (
        BranchInUse("crew/rin", "/w/rin"),
        "branch crew/rin is checked out already, in /w/rin",
        "take another branch, or let go of it there: git switch --detach; if that folder is gone: git worktree prune",
    ),
    (
        UnsavedWork("/w/rin", ("1 uncommitted file: a", "a merge in progress")),
        "/w/rin stays, with it would be lost: 1 uncommitted file: a; a merge in progress",
        "commit it, or put it elsewhere: git -C /w/rin status --ignored",
    ),
    (VersionMismatch("too new", hint="update"), "too new", "update"),
    (NotPaired("no member"), "no member", ""),
    (NotAllowed("neo@white", "peek at", "rin"), "neo@white may not peek at rin", ""),
]  # fmt: skip


@pytest.mark.parametrize(("error", "sentence", "hint"), SAID, ids=[repr(s[0])[:30] for s in SAID])
def test_an_error_builds_its_sentence_from_its_facts(error: FleetError, sentence: str, hint: str):
    assert (str(error), error.message, error.hint) == (sentence, sentence, hint)


def test_the_tree_holds_every_class_of_the_module_and_no_code_is_used_twice():
    here = [
        value
        for family in FAMILIES
        for value in vars(family).values()
        if isinstance(value, type) and issubclass(value, FleetError)
    ]
    assert sorted(every_error()) == sorted(cls.code for cls in set(here))
    assert set(every_error().values()) == set(here)


@pytest.mark.parametrize("cls", every_error().values())
def test_a_code_is_the_classs_name_in_snake_case_and_the_layer_is_one_of_the_designs(
    cls: type[FleetError],
):
    assert cls.code == "_".join(re.findall("[A-Z][a-z]+", cls.__name__)).lower()
    assert cls.layer in LAYERS


def test_the_layers_are_those_of_the_design_in_the_order_of_a_message():
    assert " ".join(LAYERS) == (
        "input local-node name directory trust network tls rpc store tmux pane agent"
    )
    assert list(LAYER_OF.items()) == [(layer, layer) for layer in LAYERS]


@pytest.mark.parametrize("cls", every_error().values())
def test_an_error_is_rebuilt_word_for_word_whatever_its_class_takes(cls: type[FleetError]):
    error = cls.rebuilt("what was said", "what to do", "tls", (NEO, RIN))
    assert type(error) is cls
    assert (str(error), error.message, error.hint) == ("what was said",) * 2 + ("what to do",)
    assert (error.layer, error.candidates) == ("tls", (NEO, RIN))
    assert (cls.layer == "tls") == (cls is Unauthenticated)


def test_an_ambiguous_name_carries_its_candidates():
    assert AmbiguousName("rin", (NEO, RIN)).candidates == (NEO, RIN)
    assert UnknownAgent("rin", ("rim@white",)).candidates == ()
