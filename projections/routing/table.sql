CREATE TABLE {{table}} (
  node_id         text COLLATE "C" PRIMARY KEY,
  tenant_id       text COLLATE "C" NOT NULL,
  name            text NOT NULL,
  manager_id      text COLLATE "C",
  epoch           integer NOT NULL,
  state           text COLLATE "C" NOT NULL,
  password_sha256 text NOT NULL,
  memory_limit_mb integer NOT NULL,
  eviction_policy text NOT NULL,
  durability      text NOT NULL,
  -- The backup whose data the node waits for before it serves; null once it has served.
  restore_from    text COLLATE "C",
  plan            text COLLATE "C" NOT NULL
);
CREATE INDEX ON {{table}} (manager_id, node_id) INCLUDE (memory_limit_mb) WHERE state <> 'deleted';
