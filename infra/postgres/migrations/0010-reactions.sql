-- How far each reaction has read the log.
CREATE TABLE reaction_checkpoints (
  reaction text PRIMARY KEY,
  position bigint NOT NULL
);

-- A stream on which a reaction failed for good: its events from this version on wait until somebody has seen to it.
CREATE TABLE reaction_parked (
  reaction text NOT NULL,
  stream text NOT NULL,
  from_version integer NOT NULL,
  event_id text NOT NULL,
  error text NOT NULL,
  parked_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (reaction, stream)
);
