CREATE TABLE {{table}} (
  id            text COLLATE "C" PRIMARY KEY,
  -- Null once the person behind it was erased.
  name          text,
  role          text NOT NULL,
  tenant_id     text COLLATE "C",
  state         text COLLATE "C" NOT NULL,
  secret_sha256 text NOT NULL,
  created_at    timestamptz(3) NOT NULL,
  revoked_at    timestamptz(3),
  updated_at    timestamptz(3) NOT NULL,
  version       integer NOT NULL
);
CREATE INDEX ON {{table}} (tenant_id, id DESC);
