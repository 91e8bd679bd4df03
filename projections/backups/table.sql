CREATE TABLE {{table}} (
  id           text COLLATE "C" PRIMARY KEY,
  node_id      text COLLATE "C" NOT NULL,
  tenant_id    text COLLATE "C" NOT NULL,
  node_name    text NOT NULL,
  operation_id text COLLATE "C" NOT NULL,
  state        text COLLATE "C" NOT NULL,
  object_key   text,
  sha256       text,
  bytes        bigint,
  keys         bigint,
  digest       text,
  failure      text,
  created_at   timestamptz(3) NOT NULL,
  completed_at timestamptz(3),
  verified_at  timestamptz(3),
  updated_at   timestamptz(3) NOT NULL,
  version      integer NOT NULL
);
CREATE INDEX ON {{table}} (tenant_id, id DESC);
CREATE INDEX ON {{table}} (node_id, id DESC);
CREATE INDEX ON {{table}} (state, id DESC);
