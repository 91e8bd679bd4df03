-- One key per person or organisation whose data the log holds encrypted. The row of an erased subject stays, without its key.

CREATE TABLE subject_keys (
  subject     text COLLATE "C" PRIMARY KEY,
  wrapped_key bytea,
  created_at  timestamptz(3) NOT NULL DEFAULT now(),
  erased_at   timestamptz(3),
  CHECK ((wrapped_key IS NULL) = (erased_at IS NOT NULL))
);
COMMENT ON COLUMN subject_keys.wrapped_key IS 'AES-256-GCM under a key derived from the master key, with the subject as additional data.';
