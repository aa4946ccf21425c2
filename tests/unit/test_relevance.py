"""Which texts have most to do with a question."""

from fleet.core.relevance import Texts, ranked, terms_of


def texts(*said: str, first: int = 1) -> Texts:
    group = Texts()
    for number, text in enumerate(said, first):
        group.add(number, text)
    return group


def test_terms_are_words_and_whole_paths_in_lower_case() -> None:
    assert terms_of("The Lease in node/engine/peers.py, a bug") == {
        "the", "lease", "in", "node", "engine", "peers", "py", "bug", "node/engine/peers.py",
    }  # fmt: skip
    assert terms_of("über_uns 2x") == {"über", "uns", "2x"}
    assert terms_of("") == set()


def test_a_rare_word_goes_before_a_common_one_and_more_shared_words_before_fewer() -> None:
    group = texts(
        "the lease runs out", "the build is slow", "the build of the lease", "the door", "the roof"
    )
    assert ranked([group], {"lease", "roof"}, 9) == (5, 3, 1)
    assert ranked([group], {"lease", "build"}, 9)[0] == 3


def test_a_word_that_most_texts_have_says_nothing() -> None:
    group = texts("the a1", "the b1", "the c1")
    assert ranked([group], {"the"}, 9) == ()
    assert ranked([group], {"the", "b1"}, 9) == (2,)


def test_a_shared_path_counts_more_than_its_words() -> None:
    group = texts(
        "look at node/engine/peers.py",
        "the engine of the node has peers py",
        "other",
        "else",
        "more",
    )
    assert ranked([group], terms_of("mend node/engine/peers.py"), 9) == (1, 2)


def test_among_equals_the_newest_comes_first_and_there_are_no_more_than_asked_for() -> None:
    group = texts("red", "red", "blue", "green", "white")
    assert ranked([group], {"red"}, 9) == (2, 1)
    assert ranked([group], {"red"}, 1) == (2,)


def test_several_groups_are_weighed_as_if_they_were_one() -> None:
    said = ("red door", "blue door", "red roof", "a wall", "a hall")
    apart = [texts(*said[:2]), texts(*said[2:], first=3)]
    for question in ({"red"}, {"door", "roof"}, {"red", "wall", "hall"}):
        assert ranked(apart, question, 9) == ranked([texts(*said)], question, 9)


def test_a_text_that_was_removed_is_not_found_and_weighs_nothing() -> None:
    group = texts("red door", "blue", "green")
    group.add(4, "red")
    group.remove(4, "red")
    assert ranked([group], {"red"}, 9) == ranked([texts("red door", "blue", "green")], {"red"}, 9)


def test_nothing_is_relevant_where_there_is_nothing() -> None:
    assert ranked([], {"red"}, 9) == ()
    assert ranked([Texts()], {"red"}, 9) == ()
    assert ranked([texts("red", "blue")], (), 9) == ()
