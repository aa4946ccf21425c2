from pathlib import Path

import pytest

from fleet.paths import Paths, home_from


@pytest.mark.parametrize(
    ("option", "environ", "home"),
    [
        ("/a", {"FLEET_HOME": "/b"}, "/a"),
        ("", {"FLEET_HOME": "/b"}, "/b"),
        ("/a/../c/", {}, "/c"),
        ("", {}, str(Path.home() / ".fleet")),
        ("", {"FLEET_HOME": ""}, str(Path.home() / ".fleet")),
        ("~/f", {}, str(Path.home() / "f")),
        ("", {"FLEET_HOME": "~/f"}, str(Path.home() / "f")),
        ("f", {}, str(Path.cwd() / "f")),
    ],
)
def test_the_option_goes_before_the_environment_and_every_home_is_absolute(
    option: str, environ: dict[str, str], home: str
):
    assert home_from(option, environ) == home


def test_each_thing_is_where_the_pages_say():
    where = {name: str(place) for name, place in vars(Paths(Path("/h"))).items()}
    assert where == {
        "root": "/h",
        "run": "/h/run",
        "door": "/h/run/door.sock",
        "lock": "/h/run/lock",
        "keys": "/h/keys",
        "database": "/h/fleet.db",
        "search": "/h/search.db",
        "memory": "/h/memory",
        "logs": "/h/log",
        "log": "/h/log/node.log",
        "errors": "/h/log/node.err",
        "config": "/h/config.toml",
        "profiles": "/h/profiles",
        "spill": "/h/spill",
        "worktrees": "/h/worktrees",
        "hooks": "/h/hooks",
    }


def test_folders_are_made_outermost_first_and_hold_everything_that_is_written():
    paths = Paths(Path("/somewhere/fleet"))
    folders = paths.folders
    made = (paths.root, paths.run, paths.keys, paths.logs, paths.spill, paths.hooks, paths.memory)
    assert set(folders) == set(made)
    assert folders[0] == paths.root
    assert all(folder.parent in folders[:i] for i, folder in enumerate(folders) if i)
    for written in (paths.door, paths.lock, paths.log, paths.errors, paths.database, paths.search):
        assert written.parent in folders
