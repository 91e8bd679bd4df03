CREATE TABLE {{table}} (
  position       bigint PRIMARY KEY,
  recorded_at    timestamptz(3) NOT NULL,
  actor_kind     text COLLATE "C" NOT NULL,
  actor_id       text COLLATE "C" NOT NULL,
  tenant_id      text COLLATE "C",
  action         text COLLATE "C" NOT NULL,
  target_kind    text COLLATE "C" NOT NULL,
  target_id      text COLLATE "C" NOT NULL,
  outcome        text COLLATE "C" NOT NULL,
  code           text,
  -- Null once the person behind it was erased.
  address        text,
  command_id     text NOT NULL,
  correlation_id text NOT NULL,
  causation_id   text,
  redis_command  text
);
CREATE INDEX ON {{table}} (tenant_id, position DESC);
CREATE INDEX ON {{table}} (actor_id, position DESC);
CREATE INDEX ON {{table}} (action, position DESC);
CREATE INDEX ON {{table}} (outcome, position DESC) WHERE outcome <> 'accepted';
CREATE INDEX ON {{table}} (recorded_at);
