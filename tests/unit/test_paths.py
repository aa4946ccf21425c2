from pathlib import Path

import pytest

from fleet.paths import DOOR, Paths, home_from


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


def test_everything_a_node_keeps_lies_below_its_home_and_each_thing_elsewhere():
    root = Path("/somewhere/fleet")
    places = {name: place for name, place in vars(Paths(root)).items() if name != "root"}
    assert all(place.is_relative_to(root) for place in places.values())
    assert len({*places.values(), root}) == len(places) + 1
    assert places["door"] == root / DOOR


def test_folders_are_made_outermost_first_and_hold_everything_that_is_written():
    paths = Paths(Path("/somewhere/fleet"))
    folders = paths.folders
    assert folders[0] == paths.root
    assert all(folder.parent in folders[:i] for i, folder in enumerate(folders) if i)
    for written in (paths.door, paths.lock, paths.log, paths.errors, paths.database):
        assert written.parent in folders
