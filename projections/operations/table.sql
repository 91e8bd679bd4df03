CREATE TABLE {{table}} (
  id           text COLLATE "C" PRIMARY KEY,
  kind         text COLLATE "C" NOT NULL,
  tenant_id    text COLLATE "C",
  state        text COLLATE "C" NOT NULL,
  percent      integer NOT NULL,
  message      text NOT NULL,
  target_kind  text COLLATE "C" NOT NULL,
  target_id    text COLLATE "C" NOT NULL,
  result       jsonb,
  error_code   text,
  error_detail text,
  -- The stream whose events move the operation on; at most one operation of a stream is open.
  stream       text COLLATE "C" NOT NULL,
  created_at   timestamptz(3) NOT NULL,
  updated_at   timestamptz(3) NOT NULL,
  version      integer NOT NULL
);
CREATE INDEX ON {{table}} (state, id DESC) WHERE state IN ('pending', 'running');
CREATE INDEX ON {{table}} (tenant_id, id DESC);
CREATE INDEX ON {{table}} (target_id, id DESC);
