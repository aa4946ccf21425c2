"""What a profile that says nothing means: paste through tmux, and ask the terminal."""

from fleet.core.keystrokes import Dress, Paste
from fleet.core.profile import Profile


def test_a_profile_that_says_nothing_is_careful_where_it_can_and_knows_no_screen():
    plain = Profile("x", "anything")
    assert (plain.paste, plain.dress) == (Paste.NATIVE, Dress.PLAIN)
    assert (plain.prompt, plain.placeholder, plain.dialog, plain.busy) == (None, None, (), ())
    assert not any((plain.is_shell, plain.bare_only, plain.line_reader, plain.queues_while_busy))
    assert (plain.aliases, plain.programs, plain.launch) == ((), (), ())


def test_no_wait_is_for_ever_and_no_paste_is_cut_by_the_kernel():
    plain = Profile("x", "anything")
    for wait_s in (plain.show_limit_s, plain.evidence_limit_s, plain.mode_grace_s):
        assert 0 < wait_s < 60
    assert plain.settle_s == 0
    assert 0 < plain.line_limit_bytes < 4_095  # N_TTY_BUF_SIZE - 1: the rest of a line is lost
    assert plain.paste_limit_bytes > plain.line_limit_bytes
