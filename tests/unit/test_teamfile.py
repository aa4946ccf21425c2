"""The team file as it is read: what it comes to, and everything that is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fleet.core.errors.files import MalformedTeamFile
from fleet.core.team import Limits, Worktree, canonical
from fleet.core.trust import Policy, Verb
from fleet.teamfile import FILE_LIMIT_BYTES, ORDERS_LIMIT_BYTES, read, read_form
from fleet.teamfile.reading import MISTAKES_LIMIT
from tests.support.teams import SHOP, WEB

SMALL = 'name = "web"\nlead = "lead"\n[roles.lead]\nprofile = "claude"\n'
IMPL = SMALL + "[roles.impl]\nprofile = 'claude'\n"
WHOLE = f"""
name = "Web"
about = "ships"
lead = "Lead"
repository = "{SHOP}"
base = "main"
test = "make test"
tick_s = 60
lease_s = 120.5
down_s = 45

[roles.LEAD]
profile = "Claude"
worktree = "checkout"

[roles.impl]
command = ["chat", "--no splash"]
orders = "One task."
count = 2
node = "Nova"
repository = "/srv/web"
branch = "{{role}}-{{task}}"
include = [".env"]
limits = {{ claims = 2, briefing_chars = 8000 }}
policy = "approval"
hooks = true
grants = ["message", "control"]
[[roles.impl.skills]]
id = "sql"
description = "SQL"
tags = ["sql"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "team.toml"


def mistakes(file: Path, text: str | bytes) -> list[tuple[str, str]]:
    """Key and what was found, of everything that is wrong."""
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(MalformedTeamFile) as caught:
        read(file)
    assert str(caught.value).startswith(f"{file}: ")
    return [(one.key, one.found) for one in caught.value.mistakes]


def hint(file: Path, text: str) -> tuple[str, str]:
    """What is allowed, and how it may have been meant, of the only mistake."""
    file.write_text(text)
    with pytest.raises(MalformedTeamFile) as caught:
        read(file)
    (one,) = caught.value.mistakes
    return one.allowed, one.hint


def test_every_key_of_a_file_arrives_in_the_plan(file: Path) -> None:
    file.write_text(WHOLE)
    plan = read(file)
    impl, lead = plan.roles
    assert (plan.name, plan.lead, plan.about, plan.base) == ("web", "lead", "ships", "main")
    assert (plan.test, plan.tick_s, plan.lease_s) == ("make test", 60.0, 120.5)
    assert plan.down_s == 45.0
    assert (lead.name, lead.profile, lead.repository) == ("lead", "claude", SHOP)
    assert (lead.worktree, lead.count, lead.node) == (Worktree.CHECKOUT, 1, "any")
    assert (impl.command, impl.orders, impl.count) == (("chat", "--no splash"), "One task.", 2)
    assert (impl.node, impl.repository, impl.branch) == ("nova", "/srv/web", "{role}-{task}")
    assert (impl.worktree, impl.include) == (Worktree.OWN, (".env",))
    assert (impl.limits, impl.policy, impl.hooks) == (Limits(2, 8_000), Policy.APPROVAL, True)
    assert impl.grants == (Verb.MESSAGE, Verb.CONTROL)
    assert (impl.skills[0].id, impl.skills[0].name, impl.skills[0].tags) == ("sql", "sql", ("sql",))


def test_a_role_has_a_worktree_of_its_own_unless_it_says_otherwise_or_has_no_repository(
    file: Path,
) -> None:
    file.write_text(SMALL)
    assert read(file).roles[0].worktree is Worktree.NONE
    file.write_text(f"repository = '{SHOP}'\n{SMALL}")
    assert read(file).roles[0].worktree is Worktree.OWN


def test_what_the_canonical_form_says_is_read_back_as_the_same_plan() -> None:
    assert read_form(canonical(WEB), "the team") == WEB


# --- mistakes ---


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        ("", "name", "missing"),
        ("", "lead", "missing"),
        ("", "roles", "missing"),
        (f"tick = 3\n{SMALL}", "tick", "no such key"),
        (f"tick_s = '60'\n{SMALL}", "tick_s", '"60"'),
        (f"tick_s = true\n{SMALL}", "tick_s", "true"),
        (f"tick_s = 0x{'f' * 9_000}\n{SMALL}", "tick_s", "a number beyond any reason"),
        (f"about = 1979-05-27\n{SMALL}", "about", "a date or time"),
        ("roles = 3\nname = 'web'\nlead = 'x'", "roles", "3"),
        (f"{SMALL}count = 1.0", "roles.lead.count", "1"),
        (f"{SMALL}count = true", "roles.lead.count", "true"),
        (f"{SMALL}hooks = 1", "roles.lead.hooks", "1"),
        (f"{SMALL}orders = ['x']", "roles.lead.orders", "a list"),
        (f"{SMALL}node = {{}}", "roles.lead.node", "a table"),
        (f"{SMALL}limits = 3", "roles.lead.limits", "3"),
        (f"{SMALL}limits = {{claim = 1}}", "roles.lead.limits.claim", "no such key"),
        (f"{SMALL}worktree = 'shared'", "roles.lead.worktree", '"shared"'),
        (f"{SMALL}command = 'chat'", "roles.lead.command", '"chat"'),
        (f"{SMALL}command = ['chat', 3]", "roles.lead.command[1]", "3"),
        (f"{SMALL}command = {['x'] * 300}", "roles.lead.command", "a list of 300"),
        (f"{SMALL}grants = ['message', 'fly']", "roles.lead.grants[1]", '"fly"'),
        (f"{SMALL}skills = ['sql']", "roles.lead.skills[0]", '"sql"'),
        (f"{SMALL}skills = [{{id = 'a'}}]", "roles.lead.skills[0].tags", "missing"),
        (f"{SMALL}[roles.'a.b']\nprofile = 'x'\ncount = 'x'", 'roles."a.b".count', '"x"'),
        (f"{SMALL}[roles.LEAD]\nprofile = 'x'", "roles.LEAD", "the same name again"),
        (f"{SMALL}[roles.x]\nprofile = 'x'\ncount = 0", "roles.x.count", "0"),
        (f"{SMALL}orders = 'x'\norders_file = 'y'", "roles.lead.orders_file", "beside orders"),
    ],
)  # fmt: skip
def test_a_mistake_names_its_key_and_what_was_found(
    file: Path, text: str, key: str, found: str
) -> None:
    told = mistakes(file, text)
    assert (key, found) in told
    assert len(told) == (1 if text else 3) or "skills" in key, "and nothing that follows from it"


def test_all_mistakes_are_told_at_once_each_in_a_line(file: Path) -> None:
    text = f"tick = 3\nrepository = 'here'\n{IMPL}count = 'x'\nhooks = 'no'\nbranch = '{{y}}'"
    told = mistakes(file, text.replace('lead = "lead"', 'lead = "leed"'))
    assert [key for key, _ in told] == [
        "tick", "roles.impl.count", "roles.impl.hooks", "repository", "lead", "roles.impl.branch",
    ]  # fmt: skip
    with pytest.raises(MalformedTeamFile) as caught:
        read(file)
    first, *rest = str(caught.value).splitlines()
    assert first == f"{file}: 6 mistakes"
    assert rest[0].startswith("  tick: no such key; allowed: about, base, ")
    assert rest[0].endswith("(did you mean tick_s?)")
    assert len(rest) == 6


@pytest.mark.parametrize(
    ("line", "allowed", "meant"),
    [
        ("cuont = 2", "branch, command, count, ", "did you mean count?"),
        ("zebra = 2", "branch, command, count, ", ""),
        ("count = '2'", "a whole number", "without the quotes"),
        ("count = 'two'", "a whole number", ""),
        ("hooks = 'true'", "true or false", "without the quotes"),
        ("worktree = 'shared'", '"own", "checkout", "none"', ""),
        ("policy = 3", '"open", "approval", "closed"', ""),
        ("limits = 3", "a table", ""),
        ("skills = 3", "tables: [[…]]", ""),
        ("command = 'a \"b c\"'", "a list, each of it text in quotes", 'as in ["a", "b c"]'),
        ("command = 'a \"b'", "a list, each of it text in quotes", ""),
    ],
)
def test_a_mistake_says_what_is_allowed_and_how_it_may_have_been_meant(
    file: Path, line: str, allowed: str, meant: str
) -> None:
    told = hint(file, SMALL + line)
    assert told[0].startswith(allowed)
    assert told[1] == meant


def test_only_so_many_mistakes_are_named_and_the_rest_is_counted(file: Path) -> None:
    told = mistakes(file, SMALL + "".join(f"k{n} = 1\n" for n in range(5_000)))
    assert len(told) == MISTAKES_LIMIT
    with pytest.raises(MalformedTeamFile) as caught:
        read(file)
    assert str(caught.value).splitlines()[-1] == "  and 4900 more"


def test_a_broken_entry_of_a_list_leaves_the_places_of_the_others(file: Path) -> None:
    told = mistakes(file, f"{SMALL}skills = [3, {{id = 'a b', description = 'x', tags = ['y']}}]")
    assert told == [("roles.lead.skills[0]", "3"), ("roles.lead.skills[1].id", '"a b"')]


# --- standing orders in files ---


def test_orders_come_from_a_file_below_the_team_files_folder(file: Path) -> None:
    (file.parent / "orders").mkdir()
    (file.parent / "orders/lead.md").write_bytes("\ufeffLead.\r\nWrite no code.\n".encode())
    (file.parent / "same.md").symlink_to("orders/lead.md")
    for name in ("orders/lead.md", "orders/../same.md"):
        file.write_text(f"{SMALL}orders_file = '{name}'")
        assert read(file).roles[0].orders == "Lead.\nWrite no code.\n"


def test_a_team_file_behind_a_link_has_its_orders_where_it_really_is(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/lead.md").write_text("Lead.")
    (tmp_path / "real/team.toml").write_text(f"{SMALL}orders_file = 'lead.md'")
    (tmp_path / "team.toml").symlink_to("real/team.toml")
    assert read(tmp_path / "team.toml").roles[0].orders == "Lead."


def outside(folder: Path, name: str) -> None:
    """Make what an orders file may be: something else, or elsewhere."""
    secret = folder.parent / "secret.md"
    secret.write_text("a secret")
    match name:
        case "link.md":
            (folder / name).symlink_to(secret)
        case "through/secret.md":
            (folder / "through").symlink_to(folder.parent)
        case "circle.md":
            (folder / name).symlink_to(name)
        case "pipe.md":
            os.mkfifo(folder / name)
        case "latin.md":
            (folder / name).write_bytes(b"Lead.\n\xe9")
        case "large.md":
            (folder / name).write_bytes(b"x" * (ORDERS_LIMIT_BYTES + 1))
        case "long.md":
            (folder / name).write_bytes(b"x" * 7_000)
        case _:
            pass


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("../secret.md", '"../secret.md", which is outside'),
        ("link.md", '"link.md", which is outside'),
        ("through/secret.md", '"through/secret.md", which is outside'),
        ("/etc/hostname", '"/etc/hostname", which is outside'),
        ("circle.md", "cannot be read"),
        ("none.md", "cannot be read (No such file or directory)"),
        (".", "no plain file"),
        ("pipe.md", "no plain file"),
        ("latin.md", "bytes that are no UTF-8, in line 2"),
        ("large.md", f"more than {ORDERS_LIMIT_BYTES} bytes"),
        ("long.md", "7000 characters"),
        ("a\\u0000b", "cannot be read (embedded null byte)"),
        ("x" * 5_000, "cannot be read (File name too long)"),
    ],
)
def test_orders_that_are_elsewhere_or_no_text_are_refused(
    tmp_path: Path, name: str, found: str
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    outside(folder, name)
    ((key, said),) = mistakes(folder / "team.toml", f'{SMALL}orders_file = "{name}"')
    assert key == "roles.lead.orders_file"
    assert said.startswith(found)


# --- hostile files ---


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"\x7fELF\x00\x01", "no TOML"),
        (b"\xff\xfe", "bytes that are no UTF-8, in line 1"),
        (b"x = " + b"[" * 20_000, "no TOML (tables in tables without end)"),
        (b"x = " + b"{a=" * 20_000, "no TOML (tables in tables without end)"),
        (b"a." * 30_000 + b"a = 1", "a key of more than 16 parts"),
        (b"x = {" + b'\'a\' . "b\\"".' * 20_000 + b"a = 1}", "a key of more than 16 parts"),
        (b"x = " + b"9" * 9_000, "no TOML (Exceeds the limit"),
        (b"#" * (FILE_LIMIT_BYTES + 1), f"more than {FILE_LIMIT_BYTES} bytes"),
        (b"name = 'a'\nname = 'b'", "no TOML (Cannot overwrite a value (at end of document"),
    ],
)
def test_a_file_that_is_no_team_file_is_one_mistake(file: Path, data: bytes, found: str) -> None:
    ((key, said),) = mistakes(file, data)
    assert key == ""
    assert said.startswith(found)


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"[roles.r{n}]\n" for n in range(12_000)),
        "".join(f'"{n}{"k" * 2_000}" = 1\n' for n in range(120)),
        f"{SMALL}command = [{'[],' * 60_000}]",
        f"{SMALL}{'a.' * 15}a = 1\n" + "".join(f"b{n}.{'a.' * 14}a = 1\n" for n in range(1_500)),
        "word " * 50_000,
        "x" * 250_000,
        '"' * 250_000,
    ],
)
def test_a_large_file_of_nonsense_is_refused_in_few_words(file: Path, text: str) -> None:
    assert len(mistakes(file, text)) <= MISTAKES_LIMIT
    with pytest.raises(MalformedTeamFile) as caught:
        read(file)
    assert len(str(caught.value)) < 40_000


def test_a_device_a_folder_and_nothing_at_all_are_no_team_file(tmp_path: Path) -> None:
    for path, found in (
        (Path("/dev/zero"), "no plain file"),
        (tmp_path, "no plain file"),
        (tmp_path / "none", "cannot be read (No such file or directory)"),
        (Path("a\0b"), "no TOML (embedded null byte)"),
    ):
        with pytest.raises(MalformedTeamFile) as caught:
            read(path)
        assert [one.found for one in caught.value.mistakes] == [found]


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        ("", "", "no JSON"),
        ("[]", "", "a list"),
        ("null", "", "nothing"),
        ("[" * 100_000, "", "no JSON"),
        (b"\xff", "", "no JSON"),
        ('{"name": "\\ud800"}', "", "no JSON"),
        ('{"name": null, "lead": "x", "roles": {}}', "name", "nothing"),
        (canonical(WEB).replace('"orders"', '"orders_file"'), "roles.impl.orders_file", ""),
    ],
)
def test_a_form_that_no_build_of_ours_wrote_is_refused(
    text: str | bytes, key: str, found: str
) -> None:
    with pytest.raises(MalformedTeamFile) as caught:
        read_form(text, "the team")
    one = caught.value.mistakes[0]
    assert (one.key, one.found[: len(found)]) == (key, found)
