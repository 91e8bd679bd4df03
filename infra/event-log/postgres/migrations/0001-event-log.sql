-- The event log. Rows are only ever added, by append_events alone; positions are gapless and in commit order.

CREATE TABLE events (
  position       bigint PRIMARY KEY,
  event_id       uuid NOT NULL UNIQUE,
  recorded_at    timestamptz(3) NOT NULL,
  version        integer NOT NULL,
  schema_version integer NOT NULL,
  stream         text COLLATE "C" NOT NULL,
  category       text COLLATE "C" NOT NULL,
  type           text COLLATE "C" NOT NULL,
  tenant_id      text COLLATE "C",
  actor_kind     text COLLATE "C" NOT NULL,
  actor_id       text COLLATE "C" NOT NULL,
  address        bytea,
  command_id     text COLLATE "C" NOT NULL,
  correlation_id text COLLATE "C" NOT NULL,
  causation_id   text COLLATE "C",
  trace          text COLLATE "C",
  data           bytea NOT NULL,
  UNIQUE (stream, version)
);
COMMENT ON COLUMN events.address IS 'The source address as ciphertext under the key of the actor; null where there was none.';
COMMENT ON COLUMN events.data IS 'Avro, by the schema of this type and version; personal fields are ciphertext within.';

-- Where the log ends. Its one row is the lock that puts all appends in one order.
CREATE TABLE head (
  single      boolean PRIMARY KEY DEFAULT true CHECK (single),
  position    bigint NOT NULL,
  recorded_at timestamptz(3) NOT NULL
) WITH (fillfactor = 10);
INSERT INTO head (position, recorded_at) VALUES (0, '-infinity');

-- Records many appends at once and tells for each what became of it; an append's events are recorded together or not at all.
-- An append sees those before it in the batch.
--
-- An append is a run of pins (a stream, what it must be, how many events it gets) and a run of events; append_pins and
-- append_events say how long the runs are. Streams, pins and events are numbered from 1. What a stream must be: the version of its
-- last event, -1 for "not there yet", -2 for "there", -3 for "any". append_next_id is the id that one more event would have.
--
-- outcome: recorded; repeated (these very events were recorded before); version (the stream numbered conflict_stream is at
-- conflict_version, -1 when it is not there); event-id (the ids stand for something else already).
CREATE FUNCTION append_events(
  streams text[], categories text[],
  append_pins integer[], append_events integer[], append_first_id uuid[], append_next_id uuid[],
  append_tenant_id text[], append_actor_kind text[], append_actor_id text[], append_command_id text[],
  append_correlation_id text[], append_causation_id text[], append_trace text[],
  pin_stream integer[], pin_expected integer[], pin_events integer[],
  event_append integer[], event_pin integer[], event_offset integer[], event_id uuid[], event_type text[],
  event_schema_version integer[], event_address bytea[], event_data bytea[]
) RETURNS TABLE (outcome text, first_position bigint, last_position bigint, conflict_stream integer, conflict_version integer)
LANGUAGE plpgsql
-- The plans must not depend on how small the tables were when a connection first used them.
SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan
-- Whoever waits longer has been given up by its caller; it must not append behind the caller's back.
SET lock_timeout = '4s'
AS $$
#variable_conflict use_variable
DECLARE
  log_end    bigint;     -- the position of the last event, with this batch's accepted appends so far
  log_time   timestamptz;
  old_end    bigint;     -- ... and without
  versions   integer[];  -- of each stream, with this batch's accepted appends so far
  earlier    bigint[];   -- where the first event of each append is recorded already
  bases      integer[] := array_fill(NULL::integer, ARRAY[cardinality(pin_stream)]); -- the version of a pin's first event
  shifts     bigint[]  := array_fill(NULL::bigint, ARRAY[cardinality(append_pins)]);  -- position minus number of an append's events
  pin        integer := 1;  -- the first of the append in hand
  event      integer := 1;
  last_pin   integer;
  last_event integer;
BEGIN
  SELECT h.position, h.recorded_at INTO log_end, log_time FROM head h FOR UPDATE;
  old_end := log_end;
  -- Only now, behind the lock: each statement sees what was committed before it began.
  SELECT array_agg(coalesce((SELECT max(e.version) FROM events e WHERE e.stream = s.stream), -1) ORDER BY s.n)
    INTO versions FROM unnest(streams) WITH ORDINALITY AS s (stream, n);
  SELECT array_agg((SELECT e.position FROM events e WHERE e.event_id = a.id) ORDER BY a.n)
    INTO earlier FROM unnest(append_first_id) WITH ORDINALITY AS a (id, n);

  FOR append IN 1 .. cardinality(append_pins) LOOP
    last_pin := pin + append_pins[append] - 1;
    last_event := event + append_events[append] - 1;
    outcome := 'recorded';
    first_position := NULL; last_position := NULL; conflict_stream := NULL; conflict_version := NULL;

    IF earlier[append] IS NOT NULL THEN
      SELECT CASE WHEN bool_and(e.position IS NOT NULL)
                   AND NOT EXISTS (SELECT FROM events more WHERE more.event_id = append_next_id[append])
                  THEN 'repeated' ELSE 'event-id' END, min(e.position), max(e.position)
        INTO outcome, first_position, last_position
        FROM generate_series(event, last_event) AS n
        LEFT JOIN LATERAL (
          SELECT old.position FROM events old
          WHERE old.event_id = event_id[n] AND old.stream = streams[pin_stream[event_pin[n]]] AND old.type = event_type[n]
            AND old.schema_version = event_schema_version[n] AND old.data = event_data[n]
        ) AS e ON true;
    ELSE
      FOR p IN pin .. last_pin LOOP
        conflict_version := versions[pin_stream[p]];
        IF pin_expected[p] NOT IN (conflict_version, -3) AND NOT (pin_expected[p] = -2 AND conflict_version >= 0) THEN
          outcome := 'version';
          conflict_stream := pin_stream[p];
          EXIT;
        END IF;
      END LOOP;
      IF outcome = 'recorded' THEN
        FOR p IN pin .. last_pin LOOP
          bases[p] := versions[pin_stream[p]] + 1;
          versions[pin_stream[p]] := versions[pin_stream[p]] + pin_events[p];
        END LOOP;
        shifts[append] := log_end + 1 - event;
        first_position := least(log_end + 1, log_end + append_events[append]);
        log_end := log_end + append_events[append];
        last_position := log_end;
      END IF;
    END IF;

    pin := last_pin + 1;
    event := last_event + 1;
    RETURN NEXT;
  END LOOP;

  IF log_end > old_end THEN
    log_time := greatest(date_trunc('milliseconds', clock_timestamp()), log_time);
    INSERT INTO events (position, event_id, recorded_at, version, schema_version, stream, category, type, tenant_id, actor_kind,
                        actor_id, address, command_id, correlation_id, causation_id, trace, data)
    SELECT shifts[a] + n, id, log_time, bases[p] + "offset", schema_version, streams[pin_stream[p]], categories[pin_stream[p]],
           type, append_tenant_id[a], append_actor_kind[a], append_actor_id[a], address, append_command_id[a],
           append_correlation_id[a], append_causation_id[a], append_trace[a], data
    FROM unnest(event_append, event_pin, event_offset, event_id, event_type, event_schema_version, event_address, event_data)
         WITH ORDINALITY AS e (a, p, "offset", id, type, schema_version, address, data, n)
    WHERE shifts[a] IS NOT NULL;
    UPDATE head SET position = log_end, recorded_at = log_time;
  END IF;
END $$;

-- The last position recorded at or before a time, 0 if none. Times never go back as positions go on, so halving finds it
-- without an index.
CREATE FUNCTION position_at(moment timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
  below bigint := 0;
  above bigint := (SELECT h.position FROM head h) + 1;
  middle bigint;
BEGIN
  WHILE above - below > 1 LOOP
    middle := (below + above) / 2;
    IF (SELECT e.recorded_at FROM events e WHERE e.position = middle) <= moment THEN below := middle; ELSE above := middle; END IF;
  END LOOP;
  RETURN below;
END $$;
