"""Profiles are files: ours all load, and a mistake in a person's own names file, key and reason."""

from pathlib import Path

import pytest

from fleet import profiles
from fleet.core.errors.requests import BadConfig, UnknownProfile
from fleet.core.keystrokes import Dress, Paste
from fleet.core.profile import Profile
from tests.support.wording import says

SHIPPED = profiles.load()


def own(tmp_path: Path, text: str | bytes, name: str = "mine.toml") -> profiles.Profiles:
    """Our profiles with a person's own one over them."""
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return profiles.load(tmp_path)


# --- ours ------------------------------------------------------------------------------------------


def test_every_file_that_comes_with_fleet_is_a_profile():
    files = {path.stem for path in Path(profiles.__file__).parent.glob("*.toml")}
    assert {profile.name for profile in SHIPPED.all()} == files
    assert {"generic", "bash", "python", "prompt-toolkit"} <= files
    assert list(SHIPPED.all()) == sorted(SHIPPED.all(), key=lambda profile: profile.name)


def test_no_two_of_ours_answer_to_one_name_or_are_given_away_by_one_program():
    names = [name for p in SHIPPED.all() for name in {p.name, *p.aliases}]
    assert len(names) == len(set(names))
    programs = [program for p in SHIPPED.all() for program in p.programs]
    assert len(programs) == len(set(programs))


@pytest.mark.parametrize("profile", SHIPPED.all(), ids=lambda profile: profile.name)
def test_ours_are_sound(profile: Profile):
    assert profile.title
    for pattern in (profile.prompt, *profile.dialog, *profile.busy):
        assert pattern is None or not pattern.search(""), "an empty row would fit"
    # What runs its input, runs the frame: it has to be a comment.
    runs_input = profile.is_shell or Paste.LINES is profile.paste
    assert not runs_input or profile.dress is not Dress.PLAIN
    assert profile.name != "generic" or not profile.programs


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("bash", "bash"),
        ("Shell", "bash"),
        (" python3 ", "python"),
        ("prompt_toolkit", "prompt-toolkit"),
        ("IPython", "prompt-toolkit"),
        ("Python_REPL", "python"),
        ("generic", "generic"),
    ],
)
def test_a_profile_is_found_by_name_or_alias_however_it_is_spelt(typed: str, name: str):
    assert SHIPPED.named(typed).name == name
    assert SHIPPED.named_or_generic(typed).name == name


def test_an_unknown_profile_is_refused_with_those_there_are():
    with pytest.raises(UnknownProfile, match="no profile is called 'bas'") as refused:
        SHIPPED.named("bas")
    assert refused.value.hint == f"known: {', '.join(p.name for p in SHIPPED.all())}"


def test_an_agent_whose_profile_has_gone_is_treated_as_any_program():
    assert SHIPPED.named_or_generic("was-there-once").name == "generic"


@pytest.mark.parametrize(
    ("program", "argv", "name"),
    [
        ("bash", ("bash",), "bash"),
        ("zsh", ("-zsh",), "generic"),
        ("bash", ("bash", "--login", "-i"), "bash"),
        ("bash", ("bash", "build.sh"), "generic"),
        ("python3", ("python3", "-q"), "python"),
        ("python3", ("python3", "agent.py"), "generic"),
        ("python3", ("python3", "-m", "agent"), "generic"),
        ("ipython", ("ipython", "notebook.ipy"), "prompt-toolkit"),
        ("ipython3", (), "prompt-toolkit"),
        ("vim", ("vim",), "generic"),
        ("", (), "generic"),
    ],
)
def test_a_running_program_gives_its_profile_away_and_an_interpreter_only_without_a_script(
    program: str, argv: tuple[str, ...], name: str
):
    assert SHIPPED.recognise(program, argv).name == name


# --- a person's own ----------------------------------------------------------------------------------


def test_a_file_of_ones_own_says_what_a_profile_is(tmp_path: Path):
    mine = own(
        tmp_path,
        """
        title = "my agent"
        aliases = ["me"]
        programs = ["agent"]
        launch = ["agent", "--tui"]
        paste = "bracketed"
        dress = "comment"
        prompt = '^> '
        placeholder = 'Ask anything'
        dialog = ['Allow\\?', '^❯ 1\\.']
        busy = ['working']
        queues_while_busy = true
        settle_s = 1
        mode_grace_s = 0
        show_limit_s = 0.5
        paste_limit_bytes = 2000
        """,
    ).named("ME")
    assert (mine.name, mine.title, mine.launch) == ("mine", "my agent", ("agent", "--tui"))
    assert (mine.paste, mine.dress) == (Paste.BRACKETED, Dress.COMMENT)
    assert mine.prompt is not None
    assert [pattern.pattern for pattern in (mine.prompt, *mine.dialog)] == [
        "^> ", "Allow\\?", "^❯ 1\\.",
    ]  # fmt: skip
    assert (mine.settle_s, mine.mode_grace_s, mine.show_limit_s) == (1.0, 0.0, 0.5)
    assert mine.paste_limit_bytes == 2000


def test_a_file_of_the_same_name_replaces_ours_whole(tmp_path: Path):
    found = own(tmp_path, 'title = "my shell"', "Bash.toml")
    assert found.named("bash").title == "my shell"
    assert found.named("bash").prompt is None
    with pytest.raises(UnknownProfile):
        found.named("shell")
    assert found.named("python").title == SHIPPED.named("python").title


def test_a_name_is_stronger_than_another_profiles_alias(tmp_path: Path):
    found = own(tmp_path, 'title = "mine"\naliases = ["bash", "me"]', "aaa.toml")
    assert found.named("bash").name == "bash"
    found = own(tmp_path, 'title = "mine"\naliases = ["bash", "me"]', "zzz.toml")
    assert found.named("bash").name == "bash"
    assert found.named("me").title == "mine"


def test_a_folder_that_is_not_there_or_holds_other_files_changes_nothing(tmp_path: Path):
    assert profiles.load(tmp_path / "none").all() == SHIPPED.all()
    assert own(tmp_path, "not TOML at all", "README.md").all() == SHIPPED.all()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("title = ", "not TOML: …"),
        ("title: mine", "not TOML: …"),
        (b"title = '\xff'", "not TOML: …"),
        (b"\x00", "not TOML: …"),
        ("x = " + "[" * 5_000, "not TOML: …"),
        ("settle_s = " + "9" * 5_000, "not TOML: …"),
        ("promt = '^> '", "unknown key 'promt' (known: title, aliases, …)"),
        ("name = 'other'", "unknown key 'name' (known: …)"),
        ("launch = 'bash'", "Expected `array`, got `str` - at `$.launch`"),
        ("launch = ['bash', 1]", "Expected `str`, got `int` - at `$.launch[1]`"),
        ("paste = 'fast'", "Invalid enum value 'fast' - at `$.paste`"),
        ("dress = 'black'", "Invalid enum value 'black' - at `$.dress`"),
        ("is_shell = 'yes'", "Expected `bool`, got `str` - at `$.is_shell`"),
        ("prompt = '('", "The pattern '(' is broken: … - at `$.prompt`"),
        ("prompt = 7", "Expected a pattern as text - at `$.prompt`"),
        (
            "prompt = 'a{99999999999999999999}'",
            "The pattern … is broken: the repetition number is too large - at `$.prompt`",
        ),
        ("dialog = 'x'", "Expected `array`, got `str` - at `$.dialog`"),
        ("dialog = ['x', '[']", "The pattern '[' is broken: … - at `$.dialog[1]`"),
        ("settle_s = 'long'", "Expected `float`, got `str` - at `$.settle_s`"),
        ("settle_s = -1", "Expected a number from 0 up, got -1 - at `$.settle_s`"),
        ("show_limit_s = nan", "Expected a number from 0 up, got nan - at `$.show_limit_s`"),
        (
            "evidence_limit_s = inf",
            "Expected a number from 0 up, got inf - at `$.evidence_limit_s`",
        ),
        (
            "paste_limit_bytes = -5",
            "Expected a number from 0 up, got -5 - at `$.paste_limit_bytes`",
        ),
        ("paste_limit_bytes = 1.5", "Expected `int`, got `float` - at `$.paste_limit_bytes`"),
    ],
)
def test_a_mistake_is_refused_with_the_file_the_key_and_the_reason(
    tmp_path: Path, text: str | bytes, why: str
):
    said = text.encode() if isinstance(text, str) else text
    with pytest.raises(BadConfig) as refused:
        own(tmp_path, b'title = "mine"\n' + said)
    assert says(str(refused.value), f"{tmp_path}/mine.toml: {why}")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Object missing required field `title`"),
        ("title = 1", "Expected `str`, got `int` - at `$.title`"),
        ("title = ", "not TOML: …"),
    ],
)
def test_a_profile_says_at_least_what_it_is_of(tmp_path: Path, text: str, why: str):
    with pytest.raises(BadConfig) as refused:
        own(tmp_path, text)
    assert says(str(refused.value), f"{tmp_path}/mine.toml: {why}")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path):
    (tmp_path / "mine.toml").mkdir()
    with pytest.raises(BadConfig, match=r"mine\.toml: Is a directory"):
        profiles.load(tmp_path)
