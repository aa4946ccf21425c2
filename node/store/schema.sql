-- Version 4. Times are wall seconds. Timelines are lines of JSON arrays that only ever grow.

CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  key TEXT,
  sender TEXT NOT NULL, recipient TEXT NOT NULL, addressed TEXT NOT NULL, to_node TEXT NOT NULL,
  text TEXT NOT NULL, thread TEXT NOT NULL, reply_to TEXT NOT NULL,
  hops INTEGER NOT NULL, raw INTEGER NOT NULL,
  created_at REAL NOT NULL, expires_at REAL NOT NULL,
  state TEXT NOT NULL, timeline TEXT NOT NULL,
  remote INTEGER NOT NULL DEFAULT 0, cleaned INTEGER NOT NULL DEFAULT 0,
  draft_limit REAL NOT NULL DEFAULT 0
);
CREATE INDEX outbox_queued ON outbox (to_node, seq, expires_at, state) WHERE state = 'queued';
CREATE INDEX outbox_open ON outbox (to_node, state, seq)
  WHERE state IN ('accepted', 'held', 'typing', 'typed');
CREATE INDEX outbox_dead ON outbox (state)
  WHERE state IN ('expired', 'in_doubt', 'refused', 'unconfirmed');
CREATE TABLE reach (node_id TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE UNIQUE INDEX outbox_key ON outbox (sender, key) WHERE key IS NOT NULL;

CREATE TABLE inbox (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE, origin TEXT NOT NULL,
  sender TEXT NOT NULL, recipient TEXT NOT NULL, addressed TEXT NOT NULL,
  text TEXT NOT NULL, thread TEXT NOT NULL, reply_to TEXT NOT NULL,
  hops INTEGER NOT NULL, raw INTEGER NOT NULL,
  arrived_at REAL NOT NULL, expires_at REAL NOT NULL,
  state TEXT NOT NULL, timeline TEXT NOT NULL,
  entries INTEGER NOT NULL, told INTEGER NOT NULL, cleaned INTEGER NOT NULL DEFAULT 0,
  mark INTEGER NOT NULL DEFAULT 0, token TEXT NOT NULL DEFAULT '', nonce TEXT NOT NULL DEFAULT '',
  approved INTEGER NOT NULL DEFAULT 1,
  draft_limit REAL NOT NULL DEFAULT 0
);
CREATE INDEX inbox_open ON inbox (recipient, state, seq, expires_at)
  WHERE state IN ('accepted', 'held', 'typing', 'typed');
CREATE INDEX inbox_ready
  ON inbox (recipient, origin, substr(sender, 1, instr(sender, '@') - 1), seq, state, approved)
  WHERE state = 'accepted' AND approved;
CREATE INDEX inbox_held
  ON inbox (recipient, approved, origin, substr(sender, 1, instr(sender, '@') - 1), seq, state)
  WHERE state = 'held';
CREATE INDEX inbox_dead ON inbox (state)
  WHERE state IN ('expired', 'in_doubt', 'refused', 'unconfirmed');
CREATE INDEX inbox_marks ON inbox (recipient, mark) WHERE mark > 0;
CREATE INDEX inbox_untold ON inbox (origin, seq) WHERE told < entries;

CREATE TABLE refused (
  origin TEXT NOT NULL, slot INTEGER NOT NULL, n INTEGER NOT NULL, id TEXT NOT NULL,
  code TEXT NOT NULL, message TEXT NOT NULL, hint TEXT NOT NULL, layer TEXT NOT NULL,
  PRIMARY KEY (origin, slot)
) WITHOUT ROWID;

CREATE TABLE agents (
  name TEXT PRIMARY KEY, profile TEXT NOT NULL, policy TEXT NOT NULL,
  ref TEXT, command TEXT NOT NULL, cwd TEXT NOT NULL, socket TEXT NOT NULL,
  hooks INTEGER NOT NULL DEFAULT 0, skill INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;

CREATE TABLE directory (
  node_id TEXT NOT NULL, name TEXT NOT NULL, profile TEXT NOT NULL,
  presence TEXT NOT NULL, incarnation INTEGER NOT NULL, seats TEXT NOT NULL DEFAULT '[]',
  PRIMARY KEY (node_id, name)
) WITHOUT ROWID;

CREATE TABLE peers (
  node_id TEXT PRIMARY KEY, addresses TEXT NOT NULL, seen_at REAL NOT NULL,
  build TEXT NOT NULL, epoch TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE roster (
  entry_id TEXT PRIMARY KEY, body BLOB NOT NULL, signature BLOB NOT NULL
) WITHOUT ROWID;

-- An id that a node had, and the one it has now: nothing else here speaks of the old one.
CREATE TABLE followed (old TEXT PRIMARY KEY, new TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE invitations (
  name TEXT PRIMARY KEY, secret BLOB NOT NULL, expires_at REAL NOT NULL, ended TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE grants (
  who TEXT NOT NULL, agent TEXT NOT NULL, verbs TEXT NOT NULL, expires_at REAL NOT NULL,
  rate TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (who, agent)
) WITHOUT ROWID;
CREATE TABLE spent (
  who TEXT NOT NULL, agent TEXT NOT NULL, node_id TEXT NOT NULL,
  remains REAL NOT NULL, at REAL NOT NULL,
  PRIMARY KEY (who, agent, node_id)
) WITHOUT ROWID;

CREATE TABLE teams (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, home TEXT NOT NULL, standing TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE team_log (
  team TEXT NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL, tag BLOB NOT NULL,
  PRIMARY KEY (team, seq)
) WITHOUT ROWID;

CREATE TABLE team_invited (
  id TEXT PRIMARY KEY, team TEXT NOT NULL, home TEXT NOT NULL, asked BLOB NOT NULL,
  until REAL NOT NULL, state TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE team_agreed (
  team TEXT NOT NULL, role TEXT NOT NULL, home TEXT NOT NULL, digest TEXT NOT NULL,
  count INTEGER NOT NULL, policy TEXT NOT NULL, verbs TEXT NOT NULL, folder TEXT NOT NULL,
  since REAL NOT NULL, invitation TEXT NOT NULL, joined INTEGER NOT NULL,
  socket TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (team, role)
) WITHOUT ROWID;
CREATE TABLE team_hosted (
  team TEXT NOT NULL, seat TEXT NOT NULL, role TEXT NOT NULL, agent TEXT NOT NULL,
  folder TEXT NOT NULL, own INTEGER NOT NULL, term INTEGER NOT NULL, stage TEXT NOT NULL,
  token TEXT NOT NULL, PRIMARY KEY (team, seat)
) WITHOUT ROWID;
CREATE TABLE team_granted (
  who TEXT NOT NULL, agent TEXT NOT NULL, team TEXT NOT NULL, PRIMARY KEY (who, agent)
) WITHOUT ROWID;
CREATE TABLE team_errands (
  n INTEGER PRIMARY KEY, node TEXT NOT NULL, team TEXT NOT NULL, verb TEXT NOT NULL,
  key TEXT NOT NULL, arguments BLOB NOT NULL, until REAL NOT NULL
);
CREATE TABLE team_tick (team TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE audit (
  n INTEGER PRIMARY KEY, at REAL NOT NULL, events TEXT NOT NULL, hash TEXT NOT NULL
);
