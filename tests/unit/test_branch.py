"""A branch is named by a pattern, and nothing that a person or git would trip over gets through."""

import pytest

from fleet.core.branch import MAX_NAME_BYTES, branch_name, check_branch, check_pattern
from fleet.core.errors.requests import MalformedRequest


@pytest.mark.parametrize(
    ("pattern", "task", "title", "name"),
    [
        ("{team}/{role}", "", "", "crew/coder-2"),
        ("{team}/{role}-{task}", "", "", "crew/coder-2"),
        ("{team}/{task}-{title}", "12", "Fix: the Größe of *panes*", "crew/12-fix-the-grosse-of-panes"),
        ("{team}/{task}-{title}", "12", "日本語", "crew/12"),
        ("{task}/{title}/{role}", "", "", "coder-2"),
        ("x.{task}", "", "", "x"),
        ("{title}", "", "a..b", "a.b"),
        ("{title}/x", "", "refs.lock", "refs-lock/x"),
        ("{title}", "", "-rf ../..", "rf"),
        ("{title}", "", "one " * 30, "one-one-one-one-one-one-one-one-one-one"),
        ("{title}", "", "x" * 90, "x" * 40),
        ("für/{role}", "", "", "für/coder-2"),
    ],
)  # fmt: skip
def test_a_pattern_and_its_fields_make_a_branch(
    pattern: str, task: str, title: str, name: str
) -> None:
    assert branch_name(pattern, team="crew", role="coder-2", task=task, title=title) == name


@pytest.mark.parametrize(
    "pattern", ["{branch}", "a{", "}a", "{team", "{}", "-{team}", "a b/{role}"]
)
def test_a_pattern_that_can_name_nothing_is_refused_before_any_member_starts(pattern: str) -> None:
    with pytest.raises(MalformedRequest):
        check_pattern(pattern)
    with pytest.raises(MalformedRequest):
        branch_name(pattern, team="crew", role="coder")


def test_a_pattern_of_which_nothing_is_left_is_refused() -> None:
    with pytest.raises(MalformedRequest, match="empty"):
        branch_name("{task}/{title}", team="crew", role="coder", title="日本語")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("-b", "dash"),
        ("HEAD", "something else"),
        ("@", "something else"),
        ("a\x1bb", "cannot be seen"),
        ("a\u202eb", "cannot be seen"),
        ("a\nb", "cannot be seen"),
        ("a b", "a space"),
        ("a~1", "one of"),
        ("a..b", r"\.\."),
        ("@{-1}", "@{"),
        ("/a", "slash"),
        ("a//b", "slash"),
        ("a/", "slash"),
        ("a/.b", "begins with a dot"),
        ("a.lock/b", r"\.lock"),
        ("a.", "ends with a dot"),
        ("0123456789" * 4, "object"),
        ("x" * (MAX_NAME_BYTES + 1), "bytes"),
        ("\ud800", "cannot be seen"),
    ],
)
def test_a_name_that_breaks_a_rule_is_refused_and_the_rule_is_said(name: str, why: str) -> None:
    with pytest.raises(MalformedRequest, match=why):
        check_branch(name)


def test_names_as_people_have_them_are_taken() -> None:
    for name in (
        "main",
        "crew/coder-2",
        "fix/#12",
        "release_1.2",
        "größe",
        "a@b",
        "x" * MAX_NAME_BYTES,
    ):
        check_branch(name)
