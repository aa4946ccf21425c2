"""Blocks of files by grammar, heading and ctags; and of real changes in real repositories."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from fleet.core.collide import WHOLE, Block, Kind, Span, Touch, Verdict, Work, meeting
from node.adapters.blocks import touched
from node.adapters.blocks.finder import Place, places
from node.adapters.worktree.command import Git
from tests.support.repositories import GitStage, git

pytestmark = pytest.mark.git

PYTHON = """\
import os

from a import b
X = [
    1,
]


@dec
def take():
    return 1


class Lease:
    kind = 1

    def renew(self):
        return 2

    def renew(self):
        return 3


__version__ = "1"
"""
GO = """\
package a

import "fmt"

type T struct{ a int }

func (t *T) Run() {
}

func Run() {}
"""
DOCUMENT = b"before\n# One\n```\n# no heading\n```\n## Two\nx\n# One\n"
F, C, B, I, S = Kind.FUNCTION, Kind.CLASS, Kind.BLOCK, Kind.IMPORTS, Kind.SECTION  # noqa: E741 - a table


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        (
            "a.py",
            PYTHON.encode(),
            [
                Place(I, "imports", 0, 3),
                Place(B, "X", 3, 6),
                Place(F, "take", 8, 11),
                Place(C, "Lease", 13, 16),
                Place(F, "Lease.renew", 16, 18),
                Place(C, "Lease", 18, 19),
                Place(F, "Lease.renew (2)", 19, 21),
                Place(B, "__version__", 23, 24),
            ],
        ),
        (
            "a.go",
            GO.encode(),
            [
                Place(I, "imports", 0, 3),
                Place(B, "T", 4, 5),
                Place(F, "T.Run", 6, 8),
                Place(F, "Run", 9, 10),
            ],
        ),
        (
            "a.ts",
            b"import x from 'y'\nexport function f() {}\nexport class A { g() {} }\nconst z = 1\n",
            [
                Place(I, "imports", 0, 1),
                Place(F, "f", 1, 2),
                Place(F, "A.g", 2, 3),
                Place(B, "z", 3, 4),
            ],
        ),
        (
            "a.rs",
            b"use a;\n// T\nimpl T {\n  fn g() {}\n}\nfn f() {}\n",
            [
                Place(I, "imports", 0, 1),
                Place(C, "T", 2, 3),
                Place(F, "T.g", 3, 4),
                Place(C, "T", 4, 5),
                Place(F, "f", 5, 6),
            ],
        ),
        (
            "a.md",
            DOCUMENT,
            [
                Place(S, "top", 0, 1),
                Place(S, "One", 1, 5),
                Place(S, "Two", 5, 7),
                Place(S, "One (2)", 7, 8),
            ],
        ),
        ("a.py", b"def broken(:\n  \xff\n", None),
        ("a.unheard-of", b"x", []),
        ("Makefile", b"all:\n", []),
    ],
)
def test_a_file_falls_into_the_blocks_that_people_see(
    path: str, text: bytes, told: list[Place] | None
) -> None:
    found = places(path, text)
    assert told is None or list(found) == told
    assert all(place.start < place.end for place in found)


@pytest.mark.skipif(shutil.which("ctags") is None, reason="ctags is not installed")
def test_a_language_without_a_grammar_is_left_to_ctags() -> None:
    text = b"int a;\n\nint f(void) {\n  return 1;\n}\n\nstatic void g(int x) {\n}\n"
    assert places("lib/a.c", text) == (Place(F, "f", 2, 5), Place(F, "g", 6, 8))


def test_a_language_without_a_grammar_and_ctags_is_one_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert places("a.c", b"int f(void) {\n}\n") == ()


@pytest.fixture
def stage(tmp_path: Path) -> GitStage:
    stage = GitStage(tmp_path)
    stage.write(stage.repository, "a.py", PYTHON)
    stage.write(stage.repository, "old name.txt", "one\ntwo\nthree\n")
    stage.commit(stage.repository, "code")
    return stage


def seen(stage: GitStage, other: str = "") -> tuple[Touch, ...]:
    return asyncio.run(touched(Git(30.0), stage.repository, "HEAD", other))


def test_changes_in_a_worktree_are_told_by_block_and_line(stage: GitStage) -> None:
    text = PYTHON.replace("import os\n", "import os\nimport re\n").replace("return 3", "return 4")
    stage.write(stage.repository, "a.py", text)
    stage.write(stage.repository, "new: ü.py", "x = 1\n")
    assert seen(stage) == (
        Touch(Block("a.py", F, "Lease.renew (2)"), (Span(20, 21),)),
        Touch(Block("a.py", I, "imports"), (Span(1, 1),)),
        Touch(Block("new: ü.py"), (WHOLE,)),
    )


def test_what_is_put_in_behind_a_function_may_be_its_new_end(stage: GitStage) -> None:
    stage.write(stage.repository, "a.py", PYTHON.replace("return 1\n", "return 1\n    # end\n"))
    assert seen(stage) == (Touch(Block("a.py", F, "take"), (Span(11, 11),)),)


def test_what_is_put_in_before_a_function_is_in_no_block(stage: GitStage) -> None:
    stage.write(stage.repository, "a.py", PYTHON.replace("@dec", "# about it\n@dec"))
    assert seen(stage) == (Touch(Block("a.py"), (Span(8, 8),)),)


def test_deleted_renamed_and_binary_files_are_changed_as_a_whole(stage: GitStage) -> None:
    git(stage.repository, "mv", "old name.txt", "new name.txt")
    stage.write(stage.repository, "README", "\0\1")
    Path(stage.repository, "a.py").unlink()
    head = git(stage.repository, "stash", "create").strip()
    names = ["README", "a.py", "new name.txt", "old name.txt"]
    assert seen(stage, head) == tuple(Touch(Block(name), (WHOLE,)) for name in names)


def test_a_repository_may_not_run_anything_of_its_own(stage: GitStage, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    git(stage.repository, "config", "diff.external", f"touch '{proof}'; true")
    git(stage.repository, "config", "diff.x.textconv", f"touch '{proof}'; cat")
    stage.write(stage.repository, ".gitattributes", "*.py diff=x\n")
    stage.write(stage.repository, ".ctags.d/a.ctags", f"--langdef=x\n--output={proof}\n")
    stage.write(stage.repository, "a.py", PYTHON.replace("return 1", "return 9"))
    assert Touch(Block("a.py", F, "take"), (Span(10, 11),)) in seen(stage)
    assert not proof.exists()


def test_two_sides_meet_in_the_function_that_both_changed(stage: GitStage) -> None:
    stage.write(stage.repository, "a.py", PYTHON.replace("return 1", "return 9"))
    mine = git(stage.repository, "stash", "create").strip()
    stage.write(stage.repository, "a.py", PYTHON.replace("return 1", "return 7"))
    met = meeting(Work("T1", seen(stage, mine)), Work("T2", seen(stage)))
    assert met is not None
    assert (met.verdict, met.blocks, met.is_near) == (
        Verdict.QUEUE,
        (Block("a.py", F, "take"),),
        True,
    )
