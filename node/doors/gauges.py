"""The node's metrics: counted as it happens, or asked of the node when somebody scrapes.

Only what an index answers is asked: a scrape costs the same however much mail is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

from fleet.core.delivery import HoldReason, State
from fleet.core.metrics import Calls, Family, Sample, exposed, labelled, single, timed
from node.engine.node import Node
from node.engine.tally import RECEIVED, SENT, Tally
from node.ports.host import Usage

_ANEW_S = 1.0


@dataclass(slots=True)
class Gauges:
    """Where the numbers come from. ``names``: also those that name agents and peers."""

    node: Node
    tally: Tally
    tmux: Calls
    usage: Callable[[], Usage]
    names: bool
    _page: str = ""
    _made_s: float = 0.0

    def page(self) -> str:
        """All of them, in Prometheus' text form; at most once a second anew, whoever asks."""
        now_s = self.node.clock.now_s()
        if not self._page or now_s - self._made_s >= _ANEW_S:
            self._page, self._made_s = exposed(self._families()), now_s
        return self._page

    def _families(self) -> Iterator[Family]:
        yield labelled("fleet_build_info", "gauge", "The version of fleet.", "version",
                       {self.node.fleet.me.build: 1})  # fmt: skip
        yield from self._envelopes()
        yield from self._now()
        yield from self._costs()
        if self.names:
            yield from self._named()

    def _envelopes(self) -> Iterator[Family]:
        samples = (
            Sample({"side": side, "state": state.value}, self.tally.states[side, state])
            for side, state in product((SENT, RECEIVED), State)
        )
        about = "Envelopes sent from here, or received here, that came to a state."
        yield Family("fleet_envelopes_total", "counter", about, tuple(samples))
        about = "From queued here to accepted by the recipient's node."
        yield timed("fleet_accept_seconds", about, self.tally.accept)
        about = "From accepted here to submitted to the agent, waiting for a safe moment included."
        yield timed("fleet_submit_seconds", about, self.tally.submit)

    def _now(self) -> Iterator[Family]:
        store, online = self.node.store, self.node.agents.is_online
        queued, waiting = store.outbox.waiting(), store.inbox.waiting()
        about = "Envelopes that wait here for other nodes."
        yield single("fleet_outbox_queued", "gauge", about, sum(one.number for one in queued))
        about = "Envelopes that wait for agents here, or are being typed."
        yield single("fleet_inbox_waiting", "gauge", about, sum(one.number for one in waiting))
        now_s = self.node.clock.wall_s()
        ages_s = {
            name: max((now_s - one.since_s for one in ones), default=0)
            for name, ones in (("outbox", queued), ("inbox", waiting))
        }
        about = "The age of the oldest envelope that waits."
        yield labelled("fleet_oldest_waiting_seconds", "gauge", about, "queue", ages_s)
        held = dict.fromkeys((reason.value for reason in HoldReason), 0)
        for _, one in store.inbox.holds_of():
            held[one.what] = held.get(one.what, 0) + one.number
        about = "Envelopes that are held, by reason."
        yield labelled("fleet_inbox_held", "gauge", about, "reason", held)
        others = [a.node_id for a in self.node.fleet.in_sight()]
        up = sum(self.node.peers.session(node_id) is not None for node_id in others)
        yield labelled("fleet_peers", "gauge", "Other members of the fleet.", "state",
                       {"connected": up, "away": len(others) - up})  # fmt: skip
        agents = [online(one.name) for one in self.node.agents.all()]
        yield labelled("fleet_agents", "gauge", "Agents of this node.", "state",
                       {"online": sum(agents), "offline": len(agents) - sum(agents)})  # fmt: skip

    def _costs(self) -> Iterator[Family]:
        commits = self.node.store.database.commits
        yield timed("fleet_commit_seconds", "Commits to disk: how many, how long.", commits.took)
        about = "Commits that failed, and with them whatever waited for them."
        yield single("fleet_commit_failures_total", "counter", about, commits.failed)
        about = "Calls of tmux: how many, how long."
        yield timed("fleet_tmux_call_seconds", about, self.tmux.took)
        about = "Calls of tmux that were not answered."
        yield single("fleet_tmux_call_failures_total", "counter", about, self.tmux.failed)
        usage = self.usage()
        for name, kind, about, value in (
            ("resident_memory_bytes", "gauge", "Resident memory.", usage.memory_bytes),
            ("cpu_seconds_total", "counter", "User and system time.", usage.cpu_s),
            ("open_fds", "gauge", "Open file descriptors.", usage.open_files),
            ("start_time_seconds", "gauge", "When it started, in Unix time.", usage.started_s),
        ):
            yield single(f"process_{name}", kind, about, value)

    def _named(self) -> Iterator[Family]:
        fleet, peers = self.node.fleet, self.node.peers
        others = {fleet.label(a.node_id): a.node_id for a in fleet.in_sight()}
        about = "Whether the link to a member stands."
        up = {name: float(peers.session(one) is not None) for name, one in others.items()}
        yield labelled("fleet_peer_connected", "gauge", about, "peer", up)
        about = "Envelopes that wait here for a member."
        queued = {name: self.node.outbox.waiting(one) for name, one in others.items()}
        yield labelled("fleet_peer_queued", "gauge", about, "peer", queued)
        waiting = {one.what: one.number for one in self.node.store.inbox.waiting()}
        held = {one.name: waiting.get(one.name, 0) for one in self.node.agents.all()}
        about = "Envelopes that wait for an agent here."
        yield labelled("fleet_agent_waiting", "gauge", about, "agent", held)
