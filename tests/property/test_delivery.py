"""Whatever happens to an envelope, in whatever order, its timeline is one that the design allows."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fleet.core.delivery import RECIPIENT, SENDER, TERMINAL, Event, State, may, step
from fleet.core.errors.base import IllegalTransition

WAITING = {State.ACCEPTED, State.HELD}
AFTER_THE_END = {
    State.SUBMITTED: {State.ACKNOWLEDGED},
    State.UNCONFIRMED: {State.SUBMITTED, State.ACKNOWLEDGED},
    State.IN_DOUBT: {State.ACKNOWLEDGED},
}


class Life(RuleBasedStateMachine):
    """One envelope on both nodes: the recipient's begins when the sender's hears that it was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.sender = State.QUEUED
        self.told: list[State] = []

    @rule(event=st.sampled_from(Event))
    def at_the_sender(self, event: Event) -> None:
        if not may(SENDER, self.sender, event):
            with pytest.raises(IllegalTransition):
                step(SENDER, self.sender, event)
            return
        self.sender = step(SENDER, self.sender, event)
        if (
            event is Event.FORGET
        ):  # what happened there is as if it had not, but for the pane's marks
            self.told.clear()
        if self.sender is State.ACCEPTED:
            self.told.append(State.ACCEPTED)

    @precondition(lambda self: self.told and self.sender is State.ACCEPTED)
    @rule(event=st.sampled_from(Event))
    def at_the_recipient(self, event: Event) -> None:
        state = self.told[-1]
        if may(RECIPIENT, state, event):
            self.told.append(step(RECIPIENT, state, event))
        else:
            with pytest.raises(IllegalTransition):
                step(RECIPIENT, state, event)

    @precondition(lambda self: self.told and self.told[-1] in WAITING)
    @rule()
    def typed_and_taken(self) -> None:
        for event in (Event.BEGIN, Event.TYPE, Event.SUBMIT):
            self.told.append(step(RECIPIENT, self.told[-1], event))

    @invariant()
    def it_is_the_recipients_only_when_it_was_taken(self) -> None:
        assert bool(self.told) == (self.sender is State.ACCEPTED)

    @invariant()
    def an_end_is_the_end_but_for_better_evidence(self) -> None:
        for i, state in enumerate(self.told[:-1]):
            if state in TERMINAL:
                assert set(self.told[i + 1 :]) <= AFTER_THE_END.get(state, set())

    @invariant()
    def it_is_typed_once_and_never_waits_again(self) -> None:
        assert self.told.count(State.TYPED) <= 1
        if State.TYPED in self.told:
            assert not WAITING & set(self.told[self.told.index(State.TYPED) :])

    @invariant()
    def no_receipt_says_more_than_what_went_before(self) -> None:
        for i, state in enumerate(self.told):
            before = set(self.told[:i])
            if state in {State.SUBMITTED, State.UNCONFIRMED}:
                assert State.TYPED in before
            if state is State.TYPED:
                assert self.told[i - 1] is State.TYPING
            if state is State.TYPING:
                assert self.told[i - 1] in WAITING
            if state is State.IN_DOUBT:
                assert self.told[i - 1] in {State.TYPING, State.TYPED} | WAITING
            if state in {State.EXPIRED, State.CANCELLED, State.REFUSED}:
                assert self.told[i - 1] in WAITING


TestLife = Life.TestCase
