"""The words that count."""

from __future__ import annotations

import pytest

from fleet.core.words import PATH_WORDS, path_words, stem, subject, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Fix the lease renewal", ("fix", "lease", "renewal")),
        (
            "leaseRenewal in fleet/core_lease.py",
            ("lease", "renewal", "fleet", "core", "lease", "py"),
        ),
        ("HTTP2 is an X", ("http", "2")),
        ("renews renewed renewing", ("renew", "renew", "renew")),
        ("Überprüfe die Größe", ("überprüfe", "die", "größe")),
        ("", ()),
        ("of the and", ()),
    ],
)
def test_words_of(text: str, words: tuple[str, ...]) -> None:
    assert words_of(text) == words


def test_subject_has_each_word_once_in_order() -> None:
    assert subject("clock and lease, clock") == ("clock", "lease")


def test_words_of_paths_are_few() -> None:
    paths = [f"a/file{chr(97 + n % 26)}{chr(97 + n // 26)}.py" for n in range(60)]
    assert len(path_words(paths)) == PATH_WORDS
    assert path_words(["node/engine/lease.py", "node/engine/clock.py"]) == (
        "node", "engine", "lease", "py", "clock",
    )  # fmt: skip


@pytest.mark.parametrize(("word", "short"), [("is", "is"), ("bed", "bed"), ("queries", "quer")])
def test_a_stem_keeps_three_letters(word: str, short: str) -> None:
    assert stem(word) == short


def test_a_giant_word_is_cut() -> None:
    assert words_of("x" * 10_000) == ("x" * 40,)
