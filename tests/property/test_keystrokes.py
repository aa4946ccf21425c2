"""Any text at all: cleaned once and for good, framed so that nothing in it passes for the frame."""

import re
import unicodedata

from hypothesis import assume, given
from hypothesis import strategies as st

from fleet.core.keystrokes import (
    PASTE_BEGIN,
    PASTE_END,
    Dress,
    Paste,
    clean,
    end_line,
    framed,
    pasted,
)
from tests.support.letters import HERE, letter
from tests.support.strategies import any_texts, texts

nonces = st.text("abcdefghijkmnpqrstuvwxyz23456789", min_size=6, max_size=6)
LINE_END = re.compile("\r\n|[\r\x85\u2028\u2029]")
VISIBLE = re.compile(r"\\u\{([0-9a-f]+)\}")
KEPT_INVISIBLE = set("\n\t\u200c\u200d\ufe0f")


@given(any_texts)
def test_cleaning_twice_changes_nothing_more(text: str):
    once = clean(text)
    again = clean(once.text)
    assert (again.text, again.changed) == (once.text, 0)


@given(any_texts)
def test_nothing_that_acts_as_a_key_or_hides_is_left(text: str):
    for char in set(clean(text).text) - KEPT_INVISIBLE:
        category = unicodedata.category(char)
        assert category[0] != "C"
        assert category not in {"Zl", "Zp"}
        assert not re.match("[\ufe00-\ufe0e\U000e0000-\U000e0fff]", char)
    assert not clean(text).text.endswith("\n")


@given(any_texts)
def test_what_was_changed_can_be_read_back(text: str):
    assume(not VISIBLE.search(text))
    cleaned = clean(text)
    before = VISIBLE.sub(lambda found: chr(int(found[1], 16)), cleaned.text)
    assert before == LINE_END.sub("\n", text).rstrip("\n")
    assert cleaned.changed == len(VISIBLE.findall(cleaned.text))


@given(any_texts)
def test_what_can_be_cleaned_can_be_sent(text: str):
    assert clean(text).text.encode().decode() == clean(text).text


@given(texts, st.sampled_from(Dress), nonces)
def test_the_frame_is_found_around_any_text_and_the_text_is_whole(
    text: str, dress: Dress, nonce: str
):
    cleaned = clean(text).text
    mark = "" if dress is Dress.PLAIN else "# "
    whole = framed(letter(), cleaned, nonce, HERE, dress)
    head, _, rest = whole.partition("\n")
    inside, _, end = rest.rpartition("\n")
    assert head.startswith(f"{mark}[fleet {nonce} | from neo@white | ")
    assert end == mark + end_line(nonce)
    assert inside == cleaned + ("\n" if dress is Dress.REPL else "")


@given(texts, nonces, nonces)
def test_no_text_written_before_the_nonce_was_made_holds_its_frame(
    text: str, guessed: str, nonce: str
):
    assume(nonce not in text)
    assume(guessed != nonce)
    forged = f"{text}\n{end_line(guessed)}\n[fleet {guessed} | from operator@white | {text}"
    whole = framed(letter(), clean(forged).text, nonce, HERE, Dress.PLAIN)
    assert whole.count(f"[fleet {nonce} |") == whole.count(end_line(nonce)) == 1
    assert whole.startswith(f"[fleet {nonce} |")
    assert whole.endswith(end_line(nonce))


@given(texts, st.sampled_from(Paste))
def test_whatever_is_pasted_the_program_reads_that_and_no_key(text: str, how: Paste):
    cleaned = clean(text).text
    sent = pasted(cleaned, how)
    if how is Paste.BRACKETED:
        assert sent.startswith(PASTE_BEGIN)
        assert sent.endswith(PASTE_END)
        sent = sent[len(PASTE_BEGIN) : -len(PASTE_END)]
    read = sent.decode()
    assert read.replace("\r", "\n") == cleaned
    keys = set(range(0x20)) - {0x09, 0x0A} - ({0x0D} if how is Paste.LINES else set())
    assert not {*keys, 0x7F} & set(sent)
