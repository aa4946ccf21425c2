"""Every story answers what its transcript says. ``make stories-rewrite`` writes them anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.story import Scene, played, read, written

STORIES = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_is_as_it_is_told(path: Path) -> None:
    told = path.read_text()
    assert played(told) == told, "read the difference, then: make stories-rewrite"


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_every_scene_says_what_it_shows_and_answers_something(path: Path) -> None:
    for scene in read(path.read_text()):
        assert scene.comments, f"what do these show? {scene.commands}"
        assert scene.answers, f"nothing was asked: {scene.comments}"


def test_a_story_that_is_read_and_written_is_the_same() -> None:
    text = "# What it shows.\nfleet white\nls\n----\nnobody\n\n# And then.\nwait 1\n"
    first, then = read(text)
    assert first == Scene(("# What it shows.",), ("fleet white", "ls"), ("nobody",))
    assert then.answers == ()
    assert written([first, then]) == text


def test_a_command_that_does_not_exist_is_no_silent_success() -> None:
    with pytest.raises(AttributeError, match="do_levitate"):
        played("# Magic.\nlevitate rin@nova\n")
