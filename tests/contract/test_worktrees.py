"""What the engine may rely on of worktrees: found again, never shared, never removed with work in them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import pytest

from fleet.core.errors.requests import MalformedRequest
from fleet.core.errors.worktrees import BranchInUse, UnsavedWork, WorktreeFailed
from fleet.core.worktree import NotCopied, WorktreeState, WorktreeWish, left, lost
from node.ports.worktrees import Worktrees
from tests.support.repositories import GitStage
from tests.support.worktrees import FakeStage


class Stage(Protocol):
    """A repository with one commit on ``main``, where ``.env``, ``*.log``, ``build/`` and ``local/`` are
    ignored; and what people do in its worktrees."""

    @property
    def worktrees(self) -> Worktrees: ...
    @property
    def repository(self) -> str: ...
    def folder(self, name: str) -> str: ...
    def write(self, folder: str, name: str, text: str) -> None: ...
    def read(self, folder: str, name: str) -> str | None: ...
    def commit(self, folder: str, message: str) -> str: ...
    def push(self, folder: str) -> None: ...
    def switch(self, folder: str, branch: str) -> None: ...
    def detach(self, folder: str) -> None: ...
    def stash(self, folder: str) -> None: ...
    def begin_merge(self, folder: str) -> None: ...
    def lock(self, folder: str, reason: str) -> None: ...
    def drop(self, folder: str) -> None: ...
    def branches(self) -> set[str]: ...
    def head(self, folder: str) -> str: ...


On = Callable[[Callable[[Stage], Awaitable[None]]], None]


@pytest.fixture(
    params=[
        pytest.param(FakeStage, id="fake"),
        pytest.param(GitStage, id="git", marks=pytest.mark.git),
    ]
)
def on(request: pytest.FixtureRequest, tmp_path: Path) -> On:
    def play(story: Callable[[Stage], Awaitable[None]]) -> None:
        async def whole() -> None:
            await story(request.param(tmp_path))

        asyncio.run(whole())

    return play


def wish(
    stage: Stage, name: str = "coder", branch: str = "crew/coder", **more: object
) -> WorktreeWish:
    return WorktreeWish(stage.repository, stage.folder(name), branch, **more)  # type: ignore[arg-type] # **


async def made(stage: Stage, name: str = "coder", branch: str = "crew/coder") -> str:
    return (await stage.worktrees.prepare(wish(stage, name, branch))).folder


# --- making --------------------------------------------------------------------------------------


def test_a_worktree_is_made_on_a_branch_of_its_own_at_the_base(on: On) -> None:
    async def story(stage: Stage) -> None:
        first = stage.head(stage.repository)
        stage.write(stage.repository, "later", "1")
        stage.commit(stage.repository, "second")
        tree = await stage.worktrees.prepare(wish(stage, base=first))
        assert (tree.folder, tree.branch, tree.head) == (stage.folder("coder"), "crew/coder", first)
        assert tree.is_new
        assert stage.read(tree.folder, "README") == "read me"
        assert stage.read(tree.folder, "later") is None
        assert stage.read(stage.repository, "later") == "1"

    on(story)


def test_the_same_wish_again_is_the_same_worktree_and_nothing_in_it_is_lost(on: On) -> None:
    async def story(stage: Stage) -> None:
        folder = await made(stage)
        stage.write(folder, "README", "changed")
        stage.write(folder, "new", "mine")
        again = await stage.worktrees.prepare(wish(stage))
        assert (again.is_new, again.branch) == (False, "crew/coder")
        assert (stage.read(folder, "README"), stage.read(folder, "new")) == ("changed", "mine")

    on(story)


def test_a_branch_that_is_there_is_taken_up_where_it_stands(on: On) -> None:
    async def story(stage: Stage) -> None:
        folder = await made(stage)
        stage.write(folder, "done", "1")
        head = stage.commit(folder, "work")
        await stage.worktrees.remove(folder)
        again = await stage.worktrees.prepare(wish(stage, "other", base="no-such-base"))
        assert (again.head, again.is_new) == (head, True)
        assert stage.read(again.folder, "done") == "1"

    on(story)


def test_a_branch_that_is_checked_out_elsewhere_is_refused_and_it_is_said_where(on: On) -> None:
    async def story(stage: Stage) -> None:
        await made(stage)
        with pytest.raises(BranchInUse, match=stage.folder("coder")):
            await stage.worktrees.prepare(wish(stage, "second"))
        with pytest.raises(BranchInUse, match=stage.repository):
            await stage.worktrees.prepare(wish(stage, "second", "main"))
        assert stage.read(stage.folder("second"), "README") is None

    on(story)


def test_a_folder_with_another_branch_is_not_handed_out(on: On) -> None:
    async def story(stage: Stage) -> None:
        folder = await made(stage)
        with pytest.raises(WorktreeFailed):
            await stage.worktrees.prepare(wish(stage, branch="crew/other"))
        with pytest.raises(WorktreeFailed):
            await stage.worktrees.prepare(
                WorktreeWish(stage.repository, stage.repository, "crew/other")
            )
        assert (await stage.worktrees.state(folder)).branch == "crew/coder"

    on(story)


def test_a_member_that_went_on_to_another_branch_finds_its_worktree_again(on: On) -> None:
    async def story(stage: Stage) -> None:
        folder = await made(stage)
        stage.switch(folder, "fix-12")
        again = await stage.worktrees.prepare(wish(stage))
        assert (again.folder, again.branch, again.is_new) == (folder, "fix-12", False)
        stage.detach(folder)
        assert (await stage.worktrees.prepare(wish(stage))).branch == ""

    on(story)


def test_two_that_want_the_same_folder_at_once_get_one_worktree(on: On) -> None:
    async def story(stage: Stage) -> None:
        both = await asyncio.gather(*(stage.worktrees.prepare(wish(stage)) for _ in range(2)))
        assert sorted(tree.is_new for tree in both) == [False, True]
        assert both[0].folder == both[1].folder

    on(story)


def test_of_two_that_want_one_folder_for_two_branches_one_gets_it(on: On) -> None:
    async def story(stage: Stage) -> None:
        wishes = [wish(stage, branch=branch) for branch in ("crew/a", "crew/b")]
        said = await asyncio.gather(*map(stage.worktrees.prepare, wishes), return_exceptions=True)
        assert sorted(isinstance(answer, WorktreeFailed) for answer in said) == [False, True]

    on(story)


@pytest.mark.parametrize("more", [{"base": "no-such"}, {"branch": "-b"}, {"include": ("../x",)}])
def test_what_makes_no_sense_is_refused_and_nothing_is_left_behind(
    on: On, more: dict[str, object]
) -> None:
    async def story(stage: Stage) -> None:
        with pytest.raises(MalformedRequest):
            await stage.worktrees.prepare(wish(stage, **more))  # type: ignore[arg-type] # **
        assert stage.branches() == {"main"}
        with pytest.raises(WorktreeFailed):
            await stage.worktrees.state(stage.folder("coder"))

    on(story)


def test_a_repository_that_is_none_is_refused(on: On) -> None:
    async def story(stage: Stage) -> None:
        with pytest.raises(WorktreeFailed):
            await stage.worktrees.prepare(
                WorktreeWish(stage.folder("nothing"), stage.folder("coder"), "b")
            )

    on(story)


def test_a_worktree_that_was_deleted_by_hand_is_made_again_with_all_commits(on: On) -> None:
    async def story(stage: Stage) -> None:
        folder = await made(stage)
        stage.write(folder, "done", "1")
        head = stage.commit(folder, "work")
        stage.drop(folder)
        again = await stage.worktrees.prepare(wish(stage))
        assert (again.is_new, again.head) == (True, head)
        assert stage.read(folder, "done") == "1"

    on(story)


def test_what_was_deleted_by_hand_is_kept_where_its_commits_are_nowhere_else(on: On) -> None:
    async def story(stage: Stage) -> None:
        folder = await made(stage)
        stage.detach(folder)
        stage.write(folder, "done", "1")
        stage.commit(folder, "homeless")
        stage.drop(folder)
        with pytest.raises(UnsavedWork, match="homeless"):
            await stage.worktrees.prepare(wish(stage))

    on(story)


def test_a_locked_worktree_whose_folder_is_away_is_waited_for(on: On) -> None:
    async def story(stage: Stage) -> None:
        folder = await made(stage)
        stage.lock(folder, "on a stick")
        stage.drop(folder)
        with pytest.raises(WorktreeFailed, match="on a stick"):
            await stage.worktrees.prepare(wish(stage))

    on(story)


# --- the include list ----------------------------------------------------------------------------


def test_included_files_are_copied_once_and_what_could_not_be_is_said(on: On) -> None:
    async def story(stage: Stage) -> None:
        stage.write(stage.repository, ".env", "KEY=1")
        stage.write(stage.repository, "local/a/b", "2")
        whole = wish(stage, include=(".env", "local", "missing"))
        tree = await stage.worktrees.prepare(whole)
        assert tree.copied == (".env", "local/a/b")
        assert [NotCopied(n.path, "") for n in tree.not_copied] == [NotCopied("missing", "")]
        stage.write(tree.folder, ".env", "KEY=mine")
        stage.write(stage.repository, "local/c", "3")
        again = await stage.worktrees.prepare(whole)
        assert again.copied == ("local/c",)
        assert stage.read(tree.folder, ".env") == "KEY=mine"
        assert stage.read(stage.repository, ".env") == "KEY=1"

    on(story)


# --- looking -------------------------------------------------------------------------------------


def test_a_fresh_worktree_has_nothing_to_lose(on: On) -> None:
    async def story(stage: Stage) -> None:
        stage.write(stage.repository, ".env", "KEY=1")
        tree = await stage.worktrees.prepare(wish(stage, include=(".env",)))
        state = await stage.worktrees.state(tree.folder)
        assert state == WorktreeState("crew/coder", tree.head)
        assert (lost(state), left(state)) == ((), ())

    on(story)


def test_changed_new_and_ignored_files_are_told_apart(on: On) -> None:
    async def story(stage: Stage) -> None:
        stage.write(stage.repository, ".env", "KEY=1")
        folder = (await stage.worktrees.prepare(wish(stage, include=(".env",)))).folder
        stage.write(folder, "README", "changed")
        stage.write(folder, "new", "1")
        stage.write(folder, ".env", "KEY=2")
        state = await stage.worktrees.state(folder)
        assert (set(state.uncommitted), state.ignored) == ({"README", "new"}, (".env",))

    on(story)


def test_commits_are_unpushed_until_a_remote_or_another_branch_has_them(on: On) -> None:
    async def story(stage: Stage) -> None:
        folder = await made(stage)
        stage.write(folder, "done", "1")
        stage.commit(folder, "my work")
        state = await stage.worktrees.state(folder)
        assert [line.partition(" ")[2] for line in state.unpushed] == ["my work"]
        assert lost(state) == ()
        assert "my work" in left(state)[0]
        stage.push(folder)
        assert left(await stage.worktrees.state(folder)) == ()

    on(story)


def test_commits_of_a_detached_head_are_homeless_until_a_branch_has_them(on: On) -> None:
    async def story(stage: Stage) -> None:
        folder = await made(stage)
        stage.detach(folder)
        assert lost(await stage.worktrees.state(folder)) == ()
        stage.write(folder, "done", "1")
        stage.commit(folder, "drifting")
        state = await stage.worktrees.state(folder)
        assert (state.branch, len(state.homeless)) == ("", 1)
        assert "drifting" in lost(state)[0]
        stage.switch(folder, "found")
        assert lost(await stage.worktrees.state(folder)) == ()

    on(story)


def test_stash_entries_are_told_of_the_branch_they_were_made_on(on: On) -> None:
    async def story(stage: Stage) -> None:
        one, other = await made(stage), await made(stage, "other", "crew/other")
        stage.write(one, "README", "changed")
        stage.stash(one)
        assert len((await stage.worktrees.state(one)).stashes) == 1
        assert (await stage.worktrees.state(other)).stashes == ()
        assert lost(await stage.worktrees.state(one)) == ()

    on(story)


# --- removing ------------------------------------------------------------------------------------


def test_a_worktree_with_nothing_to_lose_goes_and_its_branch_stays(on: On) -> None:
    async def story(stage: Stage) -> None:
        stage.write(stage.repository, ".env", "KEY=1")
        folder = (await stage.worktrees.prepare(wish(stage, include=(".env",)))).folder
        stage.write(folder, "done", "1")
        stage.commit(folder, "work")
        await stage.worktrees.remove(folder)
        assert stage.read(folder, "README") is None
        assert stage.branches() == {"main", "crew/coder"}
        await stage.worktrees.remove(folder)  # gone is gone
        assert (await stage.worktrees.prepare(wish(stage))).is_new

    on(story)


def test_whatever_would_be_lost_keeps_a_worktree_and_is_named(on: On) -> None:
    async def story(stage: Stage) -> None:
        folder = await made(stage)

        async def refused(what: str) -> None:
            with pytest.raises(UnsavedWork, match=what):
                await stage.worktrees.remove(folder)

        stage.write(folder, "notes", "1")
        await refused("1 uncommitted file: notes")
        assert stage.read(folder, "notes") == "1"
        stage.commit(folder, "notes")
        stage.write(folder, "run.log", "1")
        await refused(r"run\.log")
        await stage.worktrees.state(folder)
        stage.detach(folder)
        stage.write(folder, "more", "1")
        stage.commit(folder, "drifting")
        await refused("drifting")

    on(story)


def test_what_may_be_lost_is_what_the_caller_says_and_no_more(on: On) -> None:
    async def story(stage: Stage) -> None:
        folder = await made(stage)
        stage.write(folder, "run.log", "1")
        stage.write(folder, "sub/run.log", "1")
        with pytest.raises(UnsavedWork):
            await stage.worktrees.remove(folder, ("sub/*.log",))
        stage.write(folder, "notes", "1")
        with pytest.raises(UnsavedWork, match="notes"):
            await stage.worktrees.remove(folder, ("*",))
        stage.commit(folder, "notes")
        await stage.worktrees.remove(folder, ("*.log",))
        assert stage.read(folder, "run.log") is None

    on(story)


def test_a_merge_in_progress_keeps_a_worktree(on: On) -> None:
    async def story(stage: Stage) -> None:
        side = await made(stage, "side", "side")
        stage.write(side, "side", "1")
        stage.commit(side, "side")
        folder = await made(stage)
        stage.begin_merge(folder)
        assert (await stage.worktrees.state(folder)).in_progress == "merge"
        with pytest.raises(UnsavedWork, match="a merge in progress"):
            await stage.worktrees.remove(folder)

    on(story)


def test_a_locked_worktree_and_the_repository_itself_stay(on: On) -> None:
    async def story(stage: Stage) -> None:
        folder = await made(stage)
        stage.lock(folder, "mine")
        for kept in (folder, stage.repository):
            with pytest.raises(WorktreeFailed):
                await stage.worktrees.remove(kept)
            assert stage.read(kept, "README") == "read me"

    on(story)
