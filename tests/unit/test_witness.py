"""What programs tell of their turns: hooks that are really run, and transcripts of a real process."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.core.delivery import Evidence
from fleet.core.errors.panes import HooksUnsupported
from fleet.core.errors.store import StoreFailed
from fleet.core.profile import Hooks, Profile
from node.adapters.witness import Witnesses
from node.ports.panes import PaneRef
from node.ports.witness import Hooked, Told

ID, END = "01K0000000000000000000000A", "[end 7f3k2q]"
TURN = f"[fleet 7f3k2q | id {ID}]\nhello\n{END}"
HOOKS = Hooks(
    arguments=("--hook", "{tell}"),
    environment={"TELL": "{tell}", "FOLDER": "{folder}"},
    files={"settings.json": '{"run": "{tell}", "in": "{folder}"}'},
)
HOOKED = Profile(name="agent", title="an agent", hooks=HOOKS)


def ref(pid: int = 1) -> PaneRef:
    """A pane whose agent is this process."""
    return PaneRef("/sock", "1:1", "%1", pid, pid, 1, "token")


def told(
    witness: Witnesses, profile: Profile = HOOKED, pid: int = 1, name: str = "rin"
) -> Told | None:
    """What is known of the turn."""
    return asyncio.run(witness.told(name, ref(pid), profile, ID, END))


def tell(command: str, said: object, **environment: str) -> None:
    """Run a hook as a program does: through a shell, with JSON on its standard input."""
    text = said if isinstance(said, str) else json.dumps(said)
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        input=text.encode(),
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.fixture
def odd(tmp_path: Path) -> Witnesses:
    """Below a folder whose name a shell and JSON would trip over."""
    return Witnesses(tmp_path / 'it\'s "odd" $HOME')


def test_a_turn_that_a_hook_tells_is_known_whole(odd: Witnesses):
    hooked = odd.install("rin", HOOKS, None)
    assert told(odd) is None
    tell(hooked.arguments[1], {"prompt": "something else"})
    assert told(odd) is None
    tell(hooked.arguments[1], {"prompt": TURN, "session": 1})
    assert told(odd) == Told(Evidence.HOOK, TURN)
    assert told(odd, name="neo") is None


def test_the_command_is_whole_in_arguments_environment_and_files(odd: Witnesses, tmp_path: Path):
    hooked = odd.install("rin", HOOKS, None)
    folder = tmp_path / 'it\'s "odd" $HOME' / "rin"
    written = json.loads((folder / "settings.json").read_text())
    assert written == {"run": hooked.arguments[1], "in": str(folder)}
    environment = dict(hooked.environment)
    assert environment["FOLDER"] == str(folder)
    assert os.access(environment["TELL"], os.X_OK)
    assert (folder / "turns").stat().st_mode & 0o777 == 0o700


def test_a_hook_that_tells_something_else_is_no_harm(odd: Witnesses):
    (_, command) = odd.install("rin", HOOKS, None).arguments
    for said in ("no json", "[]", {"prompt": 7}, {"other": TURN}, "", "\xff"):
        tell(command, said)
    assert told(odd) is None
    tell(command, {"prompt": TURN})
    assert told(odd) is not None


def test_turns_outlive_the_node_and_the_oldest_go(odd: Witnesses, tmp_path: Path):
    (_, command) = odd.install("rin", HOOKS, None).arguments
    tell(command, {"prompt": TURN})
    turns = tmp_path / 'it\'s "odd" $HOME' / "rin" / "turns"
    (first,) = turns.iterdir()
    assert told(Witnesses(tmp_path / 'it\'s "odd" $HOME')) is not None
    for n in range(80):
        (turns / f"later{n}").write_text("{}")
    os.utime(first, (1, 1))
    assert told(odd) is None
    assert len(list(turns.iterdir())) == 64
    assert not first.exists()


def test_what_was_installed_can_be_removed(odd: Witnesses, tmp_path: Path):
    (_, command) = odd.install("rin", HOOKS, None).arguments
    tell(command, {"prompt": TURN})
    odd.remove("rin")
    odd.remove("rin")
    assert told(odd) is None
    assert not (tmp_path / 'it\'s "odd" $HOME' / "rin").exists()


def test_a_program_that_runs_already_takes_no_hooks(odd: Witnesses):
    with pytest.raises(HooksUnsupported):
        odd.install("rin", HOOKS, ref())


def test_hooks_that_cannot_be_written_are_said(tmp_path: Path):
    (tmp_path / "hooks").write_text("in the way")
    with pytest.raises(StoreFailed, match="cannot write below"):
        Witnesses(tmp_path / "hooks").install("rin", HOOKS, None)


# --- programs that run already -----------------------------------------------------------------------

ADOPT = replace(HOOKS, adopt_file=".agent/settings.json", adopt='{"hooks": {"turn": ["{tell}"]}}')
THEIRS = {"hooks": {"turn": ["their own"], "stop": ["other"]}, "theme": "dark"}


def test_a_running_programs_settings_get_the_hook_and_lose_it_again(
    odd: Witnesses, tmp_path: Path, program: subprocess.Popen[bytes]
):
    path = tmp_path / "work" / ".agent" / "settings.json"
    path.parent.mkdir()
    path.write_text(json.dumps(THEIRS))
    path.chmod(0o640)
    assert odd.install("rin", ADOPT, ref(program.pid)) == Hooked()
    written = json.loads(path.read_text())
    assert written["hooks"]["turn"][0] == "their own"
    (_, command) = written["hooks"]["turn"]
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in path.parent.iterdir()] == ["settings.json"]
    # The same settings are read by every other program in that folder.
    for tmux, pane in (("/sock,1,0", "%2"), ("/other,1,0", "%1"), ("", "")):
        tell(command, {"prompt": TURN}, TMUX=tmux, TMUX_PANE=pane)
    assert told(odd) is None
    tell(command, {"prompt": TURN}, TMUX="/sock,1,0", TMUX_PANE="%1")
    assert told(odd) == Told(Evidence.HOOK, TURN)
    path.write_text(json.dumps({**written, "theme": "light"}))  # they went on editing it
    odd.remove("rin")
    assert json.loads(path.read_text()) == {**THEIRS, "theme": "light"}


def test_settings_that_were_not_there_are_gone_again(
    odd: Witnesses, tmp_path: Path, program: subprocess.Popen[bytes]
):
    path = tmp_path / "work" / ".agent" / "settings.json"
    path.parent.mkdir()
    odd.install("rin", ADOPT, ref(program.pid))
    assert path.exists()
    odd.remove("rin")
    assert not path.exists()


def test_settings_that_cannot_take_a_hook_are_left_as_they_are(
    odd: Witnesses, tmp_path: Path, program: subprocess.Popen[bytes]
):
    path = tmp_path / "work" / ".agent" / "settings.json"
    with pytest.raises(HooksUnsupported, match="which is not there"):
        odd.install("rin", ADOPT, ref(program.pid))
    path.parent.mkdir()
    path.write_text("// a comment\n{}")
    with pytest.raises(HooksUnsupported, match="is not a JSON object"):
        odd.install("rin", ADOPT, ref(program.pid))
    odd.remove("rin")
    assert path.read_text() == "// a comment\n{}"


# --- transcripts -------------------------------------------------------------------------------------


@pytest.fixture
def program(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a home, a folder and a variable of its own."""
    (tmp_path / "home" / "logs" / "one").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    process = subprocess.Popen(
        ["/bin/cat"],
        stdin=subprocess.PIPE,
        cwd=tmp_path / "work",
        env={"HOME": str(tmp_path / "home"), "LOGS": str(tmp_path / "home" / "logs")},
    )
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("pattern", "file"),
    [
        ("~/logs/*/log.jsonl", "home/logs/one/log.jsonl"),
        ("$LOGS/*/log.jsonl", "home/logs/one/log.jsonl"),
        (".history", "work/.history"),
    ],
)
def test_a_transcript_is_found_where_its_program_writes_it(
    tmp_path: Path, program: subprocess.Popen[bytes], pattern: str, file: str
):
    profile = Profile(name="agent", title="an agent", transcript=(pattern,))
    path = tmp_path / file
    path.write_text(json.dumps({"text": f"half of it: {ID}"}))
    assert told(Witnesses(tmp_path), profile, program.pid) is None
    path.write_text("x" * 3_000_000 + json.dumps({"text": TURN}))
    assert told(Witnesses(tmp_path), profile, program.pid) == Told(Evidence.TRANSCRIPT, "")


@pytest.mark.parametrize("pattern", ["$UNSET/logs/*", "~/nowhere/*", "$LOGS"])
def test_a_transcript_that_is_nowhere_tells_nothing(
    tmp_path: Path, program: subprocess.Popen[bytes], pattern: str
):
    (tmp_path / "home" / "logs" / "one" / "log.jsonl").write_text(TURN)
    profile = Profile(name="agent", title="an agent", transcript=(pattern,))
    assert told(Witnesses(tmp_path), profile, program.pid) is None
    assert told(Witnesses(tmp_path), profile, 2**22 + 1) is None


def test_a_hook_goes_before_a_transcript(tmp_path: Path, program: subprocess.Popen[bytes]):
    witness = Witnesses(tmp_path / "hooks")
    both = Profile(name="agent", title="an agent", transcript=(".history",), hooks=HOOKS)
    (_, command) = witness.install("rin", HOOKS, None).arguments
    (tmp_path / "work" / ".history").write_text(TURN)
    assert told(witness, both, program.pid) == Told(Evidence.TRANSCRIPT, "")
    tell(command, {"prompt": TURN})
    assert told(witness, both, program.pid) == Told(Evidence.HOOK, TURN)
