CREATE TABLE {{table}} (
  id              text COLLATE "C" PRIMARY KEY,
  tenant_id       text COLLATE "C" NOT NULL,
  name            text COLLATE "C" NOT NULL,
  state           text COLLATE "C" NOT NULL,
  memory_limit_mb integer NOT NULL,
  eviction_policy text NOT NULL,
  durability      text NOT NULL,
  replicas        integer NOT NULL,
  engine          text NOT NULL,
  manager_id      text COLLATE "C",
  epoch           integer NOT NULL,
  stop_reason     text,
  failure         text,
  -- The newest operation on the node.
  operation_id    text COLLATE "C" NOT NULL,
  created_at      timestamptz(3) NOT NULL,
  updated_at      timestamptz(3) NOT NULL,
  version         integer NOT NULL
);
CREATE INDEX ON {{table}} (tenant_id, id DESC);
CREATE INDEX ON {{table}} (state, id DESC);
