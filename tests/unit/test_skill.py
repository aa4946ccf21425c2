"""``SKILL.md``: valid by the Agent Skills format, and known as ours wherever it lies."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from fleet.profiles import load
from fleet.skill import NAME, is_ours, skill
from fleet.skill.folder import Was, has, is_expendable, put, renew, take

PLACE = ".claude/skills"


def front_matter(text: str) -> dict[str, str]:
    """The fields before the text; each a plain YAML scalar on a line of its own, or this fails."""
    opening, block, _ = re.split(r"^---$", text, maxsplit=2, flags=re.MULTILINE)
    assert opening == ""
    fields: dict[str, str] = {}
    for line in block.strip().splitlines():
        key, colon, value = line.partition(": ")
        assert colon
        assert re.fullmatch(r"[a-z-]+", key)
        assert key not in fields
        assert value == value.strip() != ""
        assert value[0] not in "\"'`[]{}>|*&!%@#,?:-"
        assert ": " not in value
        assert " #" not in value
        fields[key] = value
    return fields


# --- the format: https://agentskills.io/specification ---


def test_the_skill_is_valid_by_the_format() -> None:
    fields = front_matter(skill())
    assert fields.keys() <= {
        "name",
        "description",
        "license",
        "compatibility",
        "metadata",
        "allowed-tools",
    }
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", fields["name"])
    assert len(fields["name"]) <= 64
    assert fields["name"] == NAME, "its folder is called so"
    assert 1 <= len(fields["description"]) <= 1024
    assert "Use it when" in fields["description"], "what it does, and when"
    assert len(fields["compatibility"]) <= 500
    assert skill().count("\n") < 500
    assert len(skill()) < 4 * 5_000, "fewer than 5,000 tokens"
    assert skill().isprintable() or set(skill()) - set("\n") == {
        c for c in skill() if c.isprintable()
    }


def test_every_program_that_reads_skills_has_its_place_in_the_profile() -> None:
    places = {profile.name: profile.skills for profile in load().all() if profile.skills}
    assert places == {
        "claude": ".claude/skills",
        "codex": ".agents/skills",
        "gemini": ".gemini/skills",
        "opencode": ".agents/skills",
    }


# --- whose it is ---


def older() -> str:
    """What an older version of ours would have written."""
    from fleet import skill as ours

    return ours._sealed("---\nname: fleet\ndescription: an older one\n---\n")


@pytest.mark.parametrize("text", [skill(), older()], ids=["this version's", "an older one's"])
def test_what_we_wrote_is_known_and_what_a_person_changed_is_not(text: str) -> None:
    assert is_ours(text)
    for changed in (
        f"{text}x",
        text[:-1],
        text.replace("fleet", "flee", 1),
        f"\n{text}",
        "",
        "\n",
        text * 2,
    ):
        assert not is_ours(changed)


def test_it_is_written_once_and_git_does_not_see_it(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    assert put(tmp_path, PLACE, hidden=True) is Was.NEW
    assert put(tmp_path, PLACE, hidden=True) is Was.SAME
    assert (tmp_path / PLACE / NAME / "SKILL.md").read_text() == skill()
    seen = subprocess.run(
        ["git", "-C", tmp_path, "status", "--porcelain", "--untracked-files=all"],
        check=True, capture_output=True,
    )  # fmt: skip
    assert seen.stdout == b""
    assert is_expendable(tmp_path / ".claude")
    assert take(tmp_path, PLACE)
    assert [path.name for path in tmp_path.iterdir()] == [".git"]
    assert not take(tmp_path, PLACE)


def test_an_older_one_is_renewed_and_nothing_is_written_where_none_was(tmp_path: Path) -> None:
    put(tmp_path, PLACE, hidden=True)
    file = tmp_path / PLACE / NAME / "SKILL.md"
    file.write_text(older())
    assert renew(tmp_path, PLACE) is Was.RENEWED
    assert file.read_text() == skill()
    take(tmp_path, PLACE)
    assert renew(tmp_path, PLACE) is None
    assert not (tmp_path / ".claude").exists()


def test_what_else_is_in_the_folders_stays(tmp_path: Path) -> None:
    theirs = tmp_path / PLACE / "review" / "SKILL.md"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    put(tmp_path, PLACE, hidden=True)
    assert not is_expendable(tmp_path / ".claude")
    assert take(tmp_path, PLACE)
    assert theirs.read_text() == "mine"
    assert sorted(path.name for path in (tmp_path / PLACE).iterdir()) == ["review"]


@pytest.mark.parametrize(
    "kind", ["another skill", "ours, changed", "ours, by hand", "a link", "bytes", "a folder"]
)
def test_a_persons_file_is_never_written_over_nor_removed(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / PLACE / NAME
    folder.mkdir(parents=True)
    file = folder / "SKILL.md"
    match kind:
        case "another skill":
            file.write_text("---\nname: fleet\n---\nmy own ships")
        case "ours, changed":
            put(tmp_path, PLACE, hidden=True)
            file.write_text(f"{skill()}And be polite.\n")
        case "ours, by hand":
            assert put(tmp_path / PLACE, hidden=False) is Was.NEW
        case "a link":
            (tmp_path / "elsewhere").write_text(skill())
            file.symlink_to(tmp_path / "elsewhere")
        case "bytes":
            file.write_bytes(b"\xff\xfe")
        case _:
            file.mkdir()
    before = snapshot(tmp_path)
    assert put(tmp_path, PLACE, hidden=True) is Was.KEPT
    assert not has(tmp_path, PLACE)
    assert renew(tmp_path, PLACE) is None
    assert not take(tmp_path, PLACE)
    assert snapshot(tmp_path) == before
    if kind != "ours, by hand":
        assert put(tmp_path / PLACE, hidden=False) is Was.KEPT, "nor by hand"
        assert not is_expendable(tmp_path / ".claude") or kind == "a folder"


def snapshot(folder: Path) -> dict[str, object]:
    return {
        str(path): path.readlink()
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else None
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("where", [".claude", ".claude/skills", ".claude/skills/fleet"])
def test_a_link_in_a_repository_leads_nowhere(tmp_path: Path, where: str) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    link = inside / where
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    assert put(inside, PLACE, hidden=True) is Was.KEPT
    assert not list(outside.iterdir())
    put(
        outside,
        PLACE.removeprefix(where).removesuffix("/fleet").strip("/")
        if where != f"{PLACE}/fleet"
        else "",
        hidden=True,
    )
    assert not take(inside, PLACE)
    assert link.is_symlink()


def test_by_hand_it_is_for_git_to_see_and_newer_ones_renew_it(tmp_path: Path) -> None:
    assert put(tmp_path, hidden=False) is Was.NEW
    file = tmp_path / NAME / "SKILL.md"
    assert [path.name for path in file.parent.iterdir()] == ["SKILL.md"]
    file.write_text(older())
    assert put(tmp_path, hidden=False) is Was.RENEWED
    assert file.read_text() == skill()
    assert put(tmp_path, hidden=False) is Was.SAME


def test_by_hand_an_agents_becomes_a_persons(tmp_path: Path) -> None:
    put(tmp_path, PLACE, hidden=True)
    assert put(tmp_path / PLACE, hidden=False) is Was.SAME
    assert not take(tmp_path, PLACE)
    assert [path.name for path in (tmp_path / PLACE / NAME).iterdir()] == ["SKILL.md"]


def test_a_killed_writer_is_in_nobodys_way(tmp_path: Path) -> None:
    put(tmp_path, PLACE, hidden=True)
    folder = tmp_path / PLACE / NAME
    (folder / "SKILL.md").unlink()
    (folder / "SKILL.md.fleet-new").write_text("half")
    assert put(tmp_path, PLACE, hidden=True) is Was.NEW
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", "SKILL.md"]
