"""Branch names: whatever is asked for, git takes what passes, as it stands; what git refuses never passes."""

import subprocess

from hypothesis import example, given, settings
from hypothesis import strategies as st

from fleet.core.branch import branch_name, check_branch
from fleet.core.errors.requests import MalformedRequest

NASTY = st.text(
    st.sampled_from("ab.-/@{}~^:?*[\\ \x00\x7f\n_0é\u202e") | st.characters(), max_size=12
)
WORDS = st.sampled_from(["HEAD", "@", ".lock", "..", "@{", "refs/heads/", "-", "/", "a", "é"])
NAMES = NASTY | st.lists(WORDS, max_size=4).map("".join)


def taken_by_git(name: str) -> bool:
    """Whether git has a branch of exactly this name."""
    try:
        said = subprocess.run(
            ["git", "check-ref-format", "--branch", name],
            capture_output=True,
            check=False,
            cwd="/",  # in a repository, @{-1} would be a branch
        )
    except (ValueError, UnicodeEncodeError):  # what no argument of a program can be
        return False
    return said.returncode == 0 and said.stdout == f"{name}\n".encode()


@settings(max_examples=150)
@given(NAMES)
@example("a.lock")
@example("a/.lock")
@example("a.LOCK")
def test_whatever_passes_is_a_branch_to_git_as_it_stands(name: str) -> None:
    try:
        check_branch(name)
    except MalformedRequest:
        return
    assert taken_by_git(name)


@settings(max_examples=150)
@given(
    st.lists(
        st.sampled_from(["{team}", "{role}", "{task}", "{title}", "/", "-", ".", ".lock", "x"]),
        min_size=1,
        max_size=6,
    ).map("".join),
    NAMES,
    NAMES,
)
def test_whatever_a_title_says_the_branch_is_one_to_git(
    pattern: str, task: str, title: str
) -> None:
    try:
        name = branch_name(pattern, team="crew", role="a..b.lock", task=task, title=title)
    except MalformedRequest:
        return
    assert taken_by_git(name)
