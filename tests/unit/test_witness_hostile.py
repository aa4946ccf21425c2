"""What programs tell, where somebody has put something else in the place of their files."""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.core.delivery import Evidence
from fleet.core.errors.panes import HooksUnsupported
from fleet.core.keystrokes import Dress
from fleet.core.profile import Hooks, Profile
from node.adapters.witness import Witnesses
from node.ports.panes import PaneRef
from node.ports.witness import Told

ID, END = "01K0000000000000000000000A", "[end 7f3k2q]"
TURN = f"[fleet 7f3k2q | id {ID}]\nhello\n{END}"
HOOKS = Hooks(adopt_file=".agent/settings.json", adopt='{"hooks": {"turn": ["{tell}"]}}')
HOOKED = Profile(name="agent", title="an agent", hooks=HOOKS)
LOGGED = Profile(name="agent", title="an agent", transcript=(".history",))
NESTED = '{"prompt":' + "[" * 100_000


@pytest.fixture
def program(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a folder of its own."""
    (tmp_path / "work" / ".agent").mkdir(parents=True)
    process = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, cwd=tmp_path / "work", env={})
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def witness(tmp_path: Path) -> Witnesses:
    return Witnesses(tmp_path / "hooks")


def ref(pid: int) -> PaneRef:
    """A pane whose agent is this process."""
    return PaneRef("/sock", "1:1", "%1", pid, pid, 1, "token")


def told(witness: Witnesses, profile: Profile, pid: int) -> Told | None:
    """What is known of the turn."""
    return asyncio.run(witness.told("rin", ref(pid), profile, ID, END))


def as_link_to(target: str) -> Callable[[Path], None]:
    """Put a link there."""
    return lambda path: path.symlink_to(target)


@pytest.mark.parametrize(
    "put", [os.mkfifo, Path.mkdir, as_link_to("/dev/zero"), as_link_to("/nowhere")]
)
def test_what_is_no_file_tells_nothing_and_keeps_nobody(
    witness: Witnesses,
    tmp_path: Path,
    program: subprocess.Popen[bytes],
    put: Callable[[Path], None],
):
    put(tmp_path / "work" / ".history")
    assert told(witness, LOGGED, program.pid) is None
    witness.install("rin", HOOKS, None)
    turns = tmp_path / "hooks" / "rin" / "turns"
    put(turns / "turn")
    assert told(witness, HOOKED, program.pid) is None
    (turns / "another").write_text(json.dumps({"prompt": TURN}))
    assert told(witness, HOOKED, program.pid) == Told(Evidence.HOOK, TURN)


def test_turns_without_end_or_beyond_any_size_are_no_harm(
    witness: Witnesses, tmp_path: Path, program: subprocess.Popen[bytes]
):
    witness.install("rin", HOOKS, None)
    turns = tmp_path / "hooks" / "rin" / "turns"
    (turns / "nested").write_text(NESTED)
    (turns / "large").write_text(json.dumps({"prompt": TURN + " " * 3_000_000}))
    for n in range(70):
        (turns / f"folder{n}").mkdir()
    assert told(witness, HOOKED, program.pid) is None
    (turns / "turn").write_text(json.dumps({"prompt": TURN}))
    assert told(witness, HOOKED, program.pid) == Told(Evidence.HOOK, TURN)


def test_a_home_that_cannot_be_has_no_transcripts(witness: Witnesses):
    profile = Profile(name="agent", title="an agent", transcript=("~/logs/*",))
    process = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, env={"HOME": "/" + "x" * 5_000})
    try:
        assert told(witness, profile, process.pid) is None
    finally:
        process.kill()
        process.communicate()


def test_another_agent_that_reads_our_screen_has_not_taken_our_text(
    tmp_path: Path, program: subprocess.Popen[bytes]
):
    # Agents of one user share a folder of transcripts; one that peeks at the other quotes its screen.
    screen = TURN.replace("\n", "\n  ")
    (tmp_path / "work" / ".history").write_text(json.dumps({"tool": f"❯ {screen}"}))
    assert told(Witnesses(tmp_path), LOGGED, program.pid) is None
    (tmp_path / "work" / ".history").write_text(json.dumps([{"tool": screen}, {"user": TURN}]))
    assert told(Witnesses(tmp_path), LOGGED, program.pid) == Told(Evidence.TRANSCRIPT, "")


def test_an_end_line_that_was_typed_as_a_comment_is_found_behind_its_mark(
    tmp_path: Path, program: subprocess.Popen[bytes]
):
    profile = replace(LOGGED, dress=Dress.COMMENT)
    turn = TURN.replace(END, f"# {END}")
    quoted = turn.replace("\n", "\n  ")
    (tmp_path / "work" / ".history").write_text(json.dumps({"tool": quoted}))
    assert told(Witnesses(tmp_path), profile, program.pid) is None
    (tmp_path / "work" / ".history").write_text(turn)
    assert told(Witnesses(tmp_path), profile, program.pid) == Told(Evidence.TRANSCRIPT, "")


@pytest.mark.parametrize(
    "settings",
    [
        NESTED,
        '{"hooks": null}',
        '{"hooks": {"turn": "theirs"}}',
        '{"x": "' + "x" * 2_000_000 + '"}',
    ],
)
def test_settings_that_hold_something_else_stay_as_they_are(
    witness: Witnesses, tmp_path: Path, program: subprocess.Popen[bytes], settings: str
):
    path = tmp_path / "work" / ".agent" / "settings.json"
    path.write_text(settings)
    with pytest.raises(HooksUnsupported, match="is not a JSON object that takes our hook"):
        witness.install("rin", HOOKS, ref(program.pid))
    witness.remove("rin")
    assert path.read_text() == settings
    assert [p.name for p in path.parent.iterdir()] == ["settings.json"]


def test_settings_that_are_a_pipe_keep_nobody(
    witness: Witnesses, tmp_path: Path, program: subprocess.Popen[bytes]
):
    os.mkfifo(tmp_path / "work" / ".agent" / "settings.json")
    with pytest.raises(HooksUnsupported):
        witness.install("rin", HOOKS, ref(program.pid))
    witness.remove("rin")


def test_settings_behind_a_link_are_neither_copied_nor_changed(
    witness: Witnesses, tmp_path: Path, program: subprocess.Popen[bytes]
):
    secret = tmp_path / "secret.json"
    secret.write_text('{"key": "secret"}')
    path = tmp_path / "work" / ".agent" / "settings.json"
    path.symlink_to(secret)
    with pytest.raises(HooksUnsupported, match="symbolic link"):
        witness.install("rin", HOOKS, ref(program.pid))
    path.unlink()
    path.parent.rmdir()
    (tmp_path / "elsewhere").mkdir()
    path.parent.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HooksUnsupported, match="symbolic link"):
        witness.install("rin", HOOKS, ref(program.pid))
    assert secret.read_text() == '{"key": "secret"}'
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_no_link_that_waits_for_our_draft_is_written_through(
    witness: Witnesses, tmp_path: Path, program: subprocess.Popen[bytes]
):
    victim = tmp_path / "victim"
    victim.write_text("theirs")
    (tmp_path / "work" / ".agent" / f".settings.json.{os.getpid()}").symlink_to(victim)
    witness.install("rin", HOOKS, ref(program.pid))
    assert victim.read_text() == "theirs"


def test_what_was_taught_to_nobody_is_taken_back_when_the_node_comes_again(
    witness: Witnesses, tmp_path: Path, program: subprocess.Popen[bytes]
):
    path = tmp_path / "work" / ".agent" / "settings.json"
    witness.install("rin", HOOKS, ref(program.pid))
    witness.install("neo", HOOKS, None)
    again = Witnesses(tmp_path / "hooks")
    again.keep({"rin", "neo"})
    assert path.exists()
    again.keep({"neo"})  # killed before "rin" was written down
    assert not path.exists()
    assert [p.name for p in (tmp_path / "hooks").iterdir()] == ["neo"]
