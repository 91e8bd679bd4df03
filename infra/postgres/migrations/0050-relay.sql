-- What the active relay last said of itself, for those who look: the relay resumes from what Kafka has. Which one is active, and in
-- which epoch, the consumer group `relay` says; a relay that was stalled meanwhile finds another epoch there and stops, and what it had
-- already sent is recognised by the epoch in the records.
CREATE TABLE relay_state (
  single   boolean PRIMARY KEY DEFAULT true CHECK (single),
  epoch    bigint NOT NULL,
  -- Every event up to here has been acknowledged by Kafka. It goes back when Kafka has lost a topic, which is filled again then.
  position bigint NOT NULL,
  -- Why nothing is relayed right now; null while all is well.
  problem  text
);
