-- Folded states of long streams, so that a process that has not seen a stream yet need not read it from its beginning. Nothing is lost
-- with this table: a state that is not there is folded from the events.
CREATE TABLE snapshots (
  stream  text COLLATE "C" PRIMARY KEY,
  shape   text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  state   json NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN snapshots.shape IS 'What the state was folded by and from; one of another shape is as good as none.';
