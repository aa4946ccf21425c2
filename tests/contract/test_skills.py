"""Skills in the folders of agents: one suite, on the fake and on the real thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.skill import skill
from node.adapters.skills import SkillFolders
from node.ports.skills import Skills
from tests.support.skills import FakeSkills


@pytest.fixture(params=["fake", "real"])
def skills(request: pytest.FixtureRequest) -> Skills:
    return FakeSkills() if request.param == "fake" else SkillFolders(is_on=True)


def has(skills: Skills, folder: Path, place: str) -> bool:
    if isinstance(skills, FakeSkills):
        return (str(folder), place) in skills.there
    file = folder / place / "fleet/SKILL.md"
    return file.exists() and file.read_text() == skill()


def test_it_is_there_once_it_was_put_and_gone_once_it_was_taken(
    skills: Skills, tmp_path: Path
) -> None:
    for place in (".claude/skills", ".agents/skills", ".claude/skills"):
        skills.put(str(tmp_path), place)
        assert has(skills, tmp_path, place)
    skills.renew(str(tmp_path), ".claude/skills")
    skills.take(str(tmp_path), ".claude/skills")
    assert not has(skills, tmp_path, ".claude/skills")
    assert has(skills, tmp_path, ".agents/skills")
    skills.renew(str(tmp_path), ".claude/skills")
    assert not has(skills, tmp_path, ".claude/skills"), "only what is there is renewed"
    skills.take(str(tmp_path), ".claude/skills")


def test_where_nothing_can_be_written_nobody_is_in_trouble(skills: Skills, tmp_path: Path) -> None:
    skills.put(str(tmp_path / "gone"), "skills")
    skills.renew(str(tmp_path / "gone"), "skills")
    skills.take(str(tmp_path / "gone"), "skills")


def test_a_node_that_may_not_write_them_writes_none_and_takes_away(tmp_path: Path) -> None:
    off = SkillFolders(is_on=False)
    off.put(str(tmp_path), "skills")
    assert not list(tmp_path.iterdir())
    SkillFolders(is_on=True).put(str(tmp_path), "skills")
    off.take(str(tmp_path), "skills")
    assert not list(tmp_path.iterdir())
