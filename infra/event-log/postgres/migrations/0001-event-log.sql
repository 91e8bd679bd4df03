-- The event log. Events are only ever added; positions are gapless and in commit order.

-- In pieces by position, so that what was archived goes as a whole table, and filters find what is rare.
CREATE TABLE events (
  position       bigint PRIMARY KEY,
  event_id       uuid NOT NULL,
  recorded_at    timestamptz(3) NOT NULL,
  stream_id      bigint NOT NULL,
  version        integer NOT NULL,
  schema_version integer NOT NULL,
  stream         text COLLATE "C" NOT NULL,
  category       text COLLATE "C" NOT NULL,
  type           text COLLATE "C" NOT NULL,
  tenant_id      text COLLATE "C",
  metadata       bytea NOT NULL,
  address        bytea,
  data           bytea NOT NULL
) PARTITION BY RANGE (position);
-- Both columns grow, so new entries go where the last ones went, however large the index is. That versions are unique is
-- seen to under the head lock.
CREATE INDEX events_of_stream ON events (stream_id, version);
COMMENT ON COLUMN events.stream_id IS 'The position of the first event of the stream.';
COMMENT ON COLUMN events.metadata IS 'Who did it and what led to it; see stored-metadata.ts in infra/event-log.';
COMMENT ON COLUMN events.address IS 'The source address as ciphertext under the key of the actor; null where there was none.';
COMMENT ON COLUMN events.data IS 'Avro, by the schema of this type and version; personal fields are ciphertext within.';

-- Where each stream begins and ends. Versions count from 0.
--
-- The keys of this table and the next are hashed: they are the only ones that are entered at random places, and a hash index, which is
-- smaller and has no levels, takes half as long for that as a tree. An exclusion makes it unique.
CREATE TABLE streams (
  stream         text COLLATE "C" NOT NULL,
  first_position bigint NOT NULL,
  last_position  bigint NOT NULL,
  last_version   integer NOT NULL,
  CONSTRAINT streams_key EXCLUDE USING hash (stream WITH =)
) WITH (fillfactor = 90);

-- What was appended, by the command that the ids of its events are made from; this is how a repeat is recognised. The events of
-- an append have positions that follow each other.
CREATE TABLE appends (
  command_uid    uuid NOT NULL,
  first_position bigint NOT NULL,
  events         integer NOT NULL,
  content        bytea NOT NULL,
  CONSTRAINT appends_key EXCLUDE USING hash (command_uid WITH =)
);
COMMENT ON COLUMN appends.content IS 'A digest of streams, types, schema versions and data; what has another one is no repeat.';

-- Where the log ends. Its one row is the lock that puts all appends in one order.
CREATE TABLE head (
  single         boolean PRIMARY KEY DEFAULT true CHECK (single),
  position       bigint NOT NULL,
  recorded_at    timestamptz(3) NOT NULL,
  partition_size bigint NOT NULL DEFAULT 1000000,
  next_partition bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 10);
COMMENT ON COLUMN head.next_partition IS 'Where the partition begins that is made next.';
INSERT INTO head (position, recorded_at) VALUES (0, '-infinity');

-- The partitions, in the order of their positions; what lies between two was archived whole.
CREATE TABLE event_partitions (
  first_position bigint PRIMARY KEY,
  end_position   bigint NOT NULL CHECK (end_position > first_position),
  name           text COLLATE "C" NOT NULL UNIQUE,
  searchable     boolean NOT NULL DEFAULT false,
  rewritten      boolean NOT NULL DEFAULT false
);
COMMENT ON COLUMN event_partitions.end_position IS 'The first position that is in it no more.';
COMMENT ON COLUMN event_partitions.searchable IS 'Whether it is full and has the indexes that filtered reads use.';
COMMENT ON COLUMN event_partitions.rewritten IS 'Whether it holds only what an archiving run left, perhaps of several partitions.';

-- Sees to it that a whole partition lies ready behind the one that a position is in. ATTACH lets readers and writers go on, which
-- CREATE TABLE ... PARTITION OF would not. Whoever moves the head calls it, behind the lock on the head, so no two make a partition at
-- once.
CREATE FUNCTION partitions_up_to(reached bigint, next_partition bigint, partition_size bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  name text;
BEGIN
  WHILE next_partition <= reached + partition_size LOOP
    name := 'events_from_' || next_partition;
    IF to_regclass(name) IS NULL THEN
      EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING DEFAULTS)', name);
    END IF;
    EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                   name, next_partition, next_partition + partition_size);
    INSERT INTO event_partitions (first_position, end_position, name)
    VALUES (next_partition, next_partition + partition_size, name);
    next_partition := next_partition + partition_size;
  END LOOP;
  RETURN next_partition;
END $$;

UPDATE head SET next_partition = partitions_up_to(position + 1, next_partition, partition_size);

-- Records many appends at once, whatever they expect; an append's events are recorded together or not at all. An append sees those
-- before it in the batch.
--
-- An append is a run of pins (a stream, what it must be, how many events it gets) and a run of events; append_pins and
-- append_events say how long the runs are. Streams, pins, appends and events are numbered from 1. What a stream must be: the version
-- of its last event, -1 for "not there yet", -2 for "there", -3 for "any".
--
-- The row for append 0 says where the log ended before; then there is a row for each append that was not recorded, in order. All
-- others were recorded, one after the other from there on.
-- outcome: repeated (these very events were recorded before); version (the stream numbered conflict_stream is at conflict_version,
-- -1 when it is not there); event-id (the ids stand for something else already).
CREATE FUNCTION append_events(
  streams text[],
  append_uid uuid[], append_content bytea[], append_pins integer[], append_events integer[],
  pin_stream integer[], pin_expected integer[], pin_events integer[],
  event_append integer[], event_pin integer[], event_stream integer[], event_offset integer[],
  event_id uuid[], event_schema_version integer[], event_stream_name text[], event_category text[], event_type text[],
  event_tenant_id text[], event_metadata bytea[], event_address bytea[], event_data bytea[]
) RETURNS TABLE (append integer, outcome text, first_position bigint, last_position bigint,
                 conflict_stream integer, conflict_version integer)
LANGUAGE plpgsql
-- The plans must not depend on how small the tables were when a connection first used them.
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
-- Whoever waits longer has been given up by its caller; it must not append behind the caller's back.
SET lock_timeout = '4s'
AS $$
#variable_conflict use_variable
DECLARE
  log_end      bigint;    -- the position of the last event, with this batch's accepted appends so far
  old_end      bigint;    -- ... and without
  log_time     timestamptz;
  versions     integer[]; -- of each stream, with this batch's accepted appends so far
  old_versions integer[]; -- ... and without
  firsts       bigint[];  -- where each stream begins
  lasts        bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(streams)]); -- where it ends, if this batch adds to it
  earlier      bigint[];  -- where each append is recorded already
  starts       bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(append_uid)]);  -- where each accepted append begins
  shifts       bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(append_uid)]);  -- ... minus the number of its first event
  bases        integer[] := array_fill(NULL::integer, ARRAY[cardinality(pin_stream)]); -- the version of a pin's first event
  event        integer := 1; -- the first of the append in hand
  pin          integer := 1;
  last_pin     integer;
  s            integer;
BEGIN
  SELECT h.position INTO log_end FROM head h FOR UPDATE;
  old_end := log_end;
  -- Only now, behind the lock: each statement sees what was committed before it began.
  SELECT array_agg(coalesce(known.last_version, -1) ORDER BY n), array_agg(known.first_position ORDER BY n)
    INTO old_versions, firsts
    FROM (SELECT unnest(streams) AS stream, generate_series(1, cardinality(streams)) AS n) AS asked
    LEFT JOIN streams known ON known.stream = asked.stream;
  SELECT array_agg((SELECT known.first_position FROM appends known WHERE known.command_uid = asked.uid) ORDER BY n)
    INTO earlier FROM (SELECT unnest(append_uid) AS uid, generate_series(1, cardinality(append_uid)) AS n) AS asked;
  versions := old_versions;

  append := 0;
  last_position := log_end;
  RETURN NEXT;
  FOR a IN 1 .. cardinality(append_uid) LOOP
    last_pin := pin + append_pins[a] - 1;
    outcome := NULL;
    IF append_events[a] > 0 AND earlier[a] IS NOT NULL THEN
      outcome := CASE WHEN EXISTS (SELECT FROM appends known WHERE known.command_uid = append_uid[a]
                                   AND known.events = append_events[a] AND known.content = append_content[a])
                 THEN 'repeated' ELSE 'event-id' END;
      first_position := earlier[a];
      last_position := earlier[a] + append_events[a] - 1;
    ELSE
      FOR p IN pin .. last_pin LOOP
        conflict_stream := pin_stream[p];
        conflict_version := versions[conflict_stream];
        IF pin_expected[p] NOT IN (conflict_version, -3) AND NOT (pin_expected[p] = -2 AND conflict_version >= 0) THEN
          outcome := 'version';
          EXIT;
        END IF;
      END LOOP;
    END IF;

    IF outcome IS NOT NULL THEN
      append := a;
      RETURN NEXT;
    ELSE
      starts[a] := log_end + 1;
      shifts[a] := log_end + 1 - event;
      FOR p IN pin .. last_pin LOOP
        CONTINUE WHEN pin_events[p] = 0;
        s := pin_stream[p];
        bases[p] := versions[s] + 1;
        IF versions[s] = -1 THEN firsts[s] := log_end + 1; END IF;
        log_end := log_end + pin_events[p];
        versions[s] := versions[s] + pin_events[p];
        lasts[s] := log_end;
      END LOOP;
    END IF;
    pin := last_pin + 1;
    event := event + append_events[a];
  END LOOP;

  IF log_end > old_end THEN
    -- First of all the head, so that the partitions are there that the events go into.
    UPDATE head h SET position = log_end, recorded_at = greatest(date_trunc('milliseconds', clock_timestamp()), h.recorded_at),
                      next_partition = partitions_up_to(log_end, h.next_partition, h.partition_size)
      RETURNING h.recorded_at INTO log_time;
    -- Functions that return sets cost much less in the list of a SELECT than in its FROM, where each fills a table first.
    INSERT INTO events (position, event_id, recorded_at, stream_id, version, schema_version, stream, category, type, tenant_id,
                        metadata, address, data)
    SELECT shifts[e.append] + e.n, e.id, log_time, firsts[e.s], bases[e.pin] + e."offset", e.schema_version, e.stream, e.category,
           e.type, e.tenant_id, e.metadata, e.address, e.data
    FROM (SELECT unnest(event_append) AS append, unnest(event_pin) AS pin, unnest(event_stream) AS s, unnest(event_offset) AS "offset",
                 generate_series(1, cardinality(event_id)) AS n, unnest(event_id) AS id, unnest(event_schema_version) AS schema_version,
                 unnest(event_stream_name) AS stream, unnest(event_category) AS category, unnest(event_type) AS type,
                 unnest(event_tenant_id) AS tenant_id, unnest(event_metadata) AS metadata, unnest(event_address) AS address,
                 unnest(event_data) AS data) AS e
    WHERE shifts[e.append] IS NOT NULL;
    IF -1 = ANY (old_versions) THEN
      INSERT INTO streams (stream, first_position, last_position, last_version)
      SELECT new.stream, new.first, new.last, new.version
      FROM (SELECT unnest(streams) AS stream, unnest(firsts) AS first, unnest(lasts) AS last, unnest(versions) AS version,
                   unnest(old_versions) AS old) AS new
      WHERE new.old = -1 AND new.last IS NOT NULL;
    END IF;
    IF 0 <= ANY (old_versions) THEN
      UPDATE streams AS known SET last_position = moved.last, last_version = moved.version
      FROM (SELECT unnest(streams) AS stream, unnest(lasts) AS last, unnest(versions) AS version, unnest(old_versions) AS old) AS moved
      WHERE known.stream = moved.stream AND moved.old >= 0 AND moved.last IS NOT NULL;
    END IF;
    INSERT INTO appends (command_uid, first_position, events, content)
    SELECT new.uid, new.start, new.events, new.content
    FROM (SELECT unnest(append_uid) AS uid, unnest(starts) AS start, unnest(append_events) AS events,
                 unnest(append_content) AS content) AS new
    WHERE new.start IS NOT NULL AND new.events > 0;
  END IF;
END $$;

-- append-at-once.ts records what only then is recorded when all of a batch is as expected. It calls this when something is not, so
-- that nothing is.
CREATE FUNCTION not_as_expected() RETURNS bigint[] LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a stream is not as an append expects it';
END $$;
