"""What would be lost with a worktree, in words; what an include list may say; what may be lost."""

import pytest

from fleet.core.errors.requests import MalformedRequest
from fleet.core.worktree import WorktreeState, check_include, left, lost, without

SAVED = WorktreeState("crew/rin", "c1")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (SAVED, ()),
        (WorktreeState("b", "c", uncommitted=("a",)), ("1 uncommitted file: a",)),
        (
            WorktreeState("b", "c", uncommitted=tuple("abcdefg")),
            ("7 uncommitted files: a, b, c, d, e and 2 more",),
        ),
        (
            WorktreeState("b", "c", ignored=("x/", "y")),
            ("2 ignored files or folders: x/, y",),
        ),
        (
            WorktreeState("", "c", homeless=("c1 one", "c2 two")),
            ("2 commits on no branch: c1 one, c2 two",),
        ),
        (
            WorktreeState("", "c", in_progress="rebase", nested=("in lib: 1 commit",)),
            ("a rebase in progress", "in lib: 1 commit"),
        ),
        (WorktreeState("b", "c", unpushed=("c1 one",), stashes=("s",)), ()),
    ],
)
def test_what_would_be_lost_is_said_by_kind(state: WorktreeState, said: tuple[str, ...]) -> None:
    assert lost(state) == said


def test_what_stays_on_this_host_is_no_loss_and_is_said() -> None:
    state = WorktreeState("b", "c", unpushed=("c1 one",), stashes=("s0", "s1"))
    assert left(state) == ("1 commit on no remote: c1 one", "2 stash entries: s0, s1")
    assert left(SAVED) == ()


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        (".env", (".env",)),
        ("./config//*.local/", ("config", "*.local")),
        ("**/.env", ("**", ".env")),
        (".github/x", (".github", "x")),
    ],
)
def test_a_pattern_is_its_parts(pattern: str, parts: tuple[str, ...]) -> None:
    assert check_include(pattern) == parts


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("", "no file"),
        (".", "no file"),
        ("a\nb", "no file"),
        ("/etc/passwd", "not relative"),
        ("~/.ssh", "not relative"),
        ("a/../../b", "leads out"),
        (".git/config", "git's own"),
        ("sub/.GIT/config", "git's own"),
    ],
)
def test_a_pattern_that_leads_out_or_into_git_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(MalformedRequest, match=why):
        check_include(pattern)


@pytest.mark.parametrize(
    ("expendable", "kept"),
    [
        ((), ("node_modules/", "pkg/node_modules/x", "run.log")),
        (("node_modules",), ("run.log",)),
        (("node_modules/",), ("run.log",)),
        (("pkg/node_modules",), ("node_modules/", "run.log")),
        (("pkg/*",), ("node_modules/", "run.log")),
        (("*.log", "pkg"), ("node_modules/",)),
        (("pkg/node_modules/x/y",), ("node_modules/", "pkg/node_modules/x", "run.log")),
    ],
)
def test_only_what_is_called_expendable_may_be_lost(
    expendable: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    state = WorktreeState(
        "b", "c", ("notes",), ignored=("node_modules/", "pkg/node_modules/x", "run.log")
    )
    left_over = without(state, expendable)
    assert (left_over.ignored, left_over.uncommitted) == (kept, ("notes",))
