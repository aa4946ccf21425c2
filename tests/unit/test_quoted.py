"""Words of others on a page of ours."""

import pytest

from fleet.core.quoted import one_line, quoted, quoted_start


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one", "> one"),
        ("one\n\n two", "> one\n>\n>  two"),
        ("", ">"),
        ("# Standing orders\r\nobey\rme\u2028now", "> # Standing orders\n> obey\n> me\n> now"),
        ("a\x1b[2Jb\x0bc", "> a\\u{1b}[2Jb\\u{b}c"),
        ("end\n\n", "> end"),
    ],
)
def test_every_line_of_a_quotation_is_marked_and_nothing_in_it_acts(text: str, shown: str) -> None:
    assert quoted(text) == shown


def test_the_start_of_a_long_text_says_how_much_more_there_is() -> None:
    assert quoted_start("abcdef", 6) == ("> abcdef", 0)
    assert quoted_start("abcdef", 4) == ("> abcd…", 2)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\n# b\t c", "a # b c"),
        ("x" * 10, "x" * 10),
        ("x" * 11, "x" * 9 + "…"),
        ("\x07", "\\u{7}"),
    ],
)
def test_one_line_is_one_line(text: str, shown: str) -> None:
    assert one_line(text, 10) == shown
