-- Which relay is the active one, and how far it has come. The epoch grows by one whenever another takes over; a relay that was
-- stalled meanwhile finds another epoch here and stops, and what it had already sent is recognised by the epoch in the records.
CREATE TABLE relay_lease (
  single     boolean PRIMARY KEY DEFAULT true CHECK (single),
  epoch      bigint NOT NULL,
  owner      text NOT NULL,
  expires_at timestamptz NOT NULL,
  -- Every event up to here has been acknowledged by Kafka. For those who look; the relay itself resumes from what Kafka has.
  position   bigint NOT NULL,
  -- Why nothing is relayed right now; null while all is well.
  problem    text
);
INSERT INTO relay_lease (epoch, owner, expires_at, position) VALUES (0, '', '-infinity', 0);
