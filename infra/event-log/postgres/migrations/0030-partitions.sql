-- The log in pieces by position, so that what was archived goes as a whole table, and filters find what is rare.

ALTER TABLE head ADD COLUMN partition_size bigint NOT NULL DEFAULT 1000000;
ALTER TABLE head ADD COLUMN next_partition bigint NOT NULL DEFAULT 1;
COMMENT ON COLUMN head.next_partition IS 'Where the partition begins that is made next.';

-- The table there was becomes the first partition of one that looks like it.
ALTER TABLE events RENAME TO events_from_1;
ALTER INDEX events_pkey RENAME TO events_from_1_pkey;
ALTER INDEX events_of_stream RENAME TO events_from_1_of_stream;
CREATE TABLE events (LIKE events_from_1 INCLUDING COMMENTS INCLUDING DEFAULTS) PARTITION BY RANGE (position);
ALTER TABLE events ADD PRIMARY KEY (position);
CREATE INDEX events_of_stream ON events (stream_id, version);

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
-- CREATE TABLE ... PARTITION OF would not.
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

-- An append moves the head behind the lock that orders all appends, so no two make a partition at once.
CREATE FUNCTION head_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.next_partition := partitions_up_to(NEW.position, NEW.next_partition, NEW.partition_size);
  RETURN NEW;
END $$;
CREATE TRIGGER head_moves BEFORE UPDATE ON head FOR EACH ROW
  WHEN (NEW.next_partition <= NEW.position + NEW.partition_size) EXECUTE FUNCTION head_moves();

-- A log that has outgrown the first partition already: that one takes it all.
DO $$
DECLARE
  reached bigint := (SELECT position FROM head);
  size bigint := (SELECT partition_size FROM head);
  first_end bigint := 1 + size * (reached / size + 1);
BEGIN
  EXECUTE format('ALTER TABLE events ATTACH PARTITION events_from_1 FOR VALUES FROM (1) TO (%s)', first_end);
  INSERT INTO event_partitions (first_position, end_position, name) VALUES (1, first_end, 'events_from_1');
  UPDATE head SET next_partition = first_end;
END $$;

-- What went to the object store. Files and manifests never change; a manifest names the hash of the one before.
CREATE TABLE event_archives (
  number          integer PRIMARY KEY CHECK (number > 0),
  manifest_key    text COLLATE "C" NOT NULL UNIQUE,
  manifest_sha256 text COLLATE "C" NOT NULL,
  file_key        text COLLATE "C" NOT NULL UNIQUE,
  file_bytes      bigint NOT NULL,
  events          integer NOT NULL,
  first_position  bigint NOT NULL,
  last_position   bigint NOT NULL,
  archived_at     timestamptz(3) NOT NULL DEFAULT now()
);

-- The last position in this database that was recorded at or before a time (0 if none), and the one before the next that is here:
-- what lies between was archived. Times never go back as positions go on, so halving finds it without an index.
DROP FUNCTION position_at(timestamptz);
CREATE FUNCTION position_at(moment timestamptz) RETURNS TABLE (here bigint, before_next bigint) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  below bigint := 0;
  above bigint := (SELECT h.position FROM head h) + 1;
  middle bigint;
BEGIN
  WHILE above - below > 1 LOOP
    middle := (below + above) / 2;
    IF coalesce((SELECT e.recorded_at FROM events e WHERE e.position <= middle ORDER BY e.position DESC LIMIT 1) <= moment, true)
    THEN below := middle; ELSE above := middle; END IF;
  END LOOP;
  before_next := below;
  here := coalesce((SELECT max(e.position) FROM events e WHERE e.position <= below), 0);
  RETURN NEXT;
END $$;

-- Events of a stream, from a version on in one direction, as they were when the log ended at to_position; each row tells where the stream
-- begins and ends. One row without an event when none of these is here, and no row when there is no such stream. Knowing the
-- positions, the server looks into the partitions alone that have some of it, however many there are.
-- Volatile, so that each statement sees what is there when it has locked the tables: archiving may have replaced one just before.
CREATE FUNCTION read_stream(name text, backward boolean, from_version integer, to_position bigint, wanted bigint)
RETURNS TABLE (
  first_position bigint, last_position bigint, last_version integer,
  "position" bigint, event_id uuid, stream text, version integer, type text, schema_version integer, recorded_at timestamptz(3),
  tenant_id text, metadata bytea, address bytea, data bytea)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
  s record;
BEGIN
  SELECT k.first_position, k.last_position, k.last_version INTO s FROM streams k WHERE k.stream = name;
  IF NOT FOUND THEN RETURN; END IF;
  to_position := least(to_position, s.last_position);
  IF backward THEN
    RETURN QUERY SELECT s.first_position, s.last_position, s.last_version, e.position, e.event_id, e.stream, e.version, e.type,
        e.schema_version, e.recorded_at, e.tenant_id, e.metadata, e.address, e.data
      FROM events e WHERE e.stream_id = s.first_position AND e.version <= from_version
        AND e.position >= s.first_position AND e.position <= to_position ORDER BY e.version DESC LIMIT wanted;
  ELSE
    RETURN QUERY SELECT s.first_position, s.last_position, s.last_version, e.position, e.event_id, e.stream, e.version, e.type,
        e.schema_version, e.recorded_at, e.tenant_id, e.metadata, e.address, e.data
      FROM events e WHERE e.stream_id = s.first_position AND e.version >= from_version
        AND e.position >= s.first_position AND e.position <= to_position ORDER BY e.version LIMIT wanted;
  END IF;
  IF NOT FOUND THEN
    RETURN QUERY SELECT s.first_position, s.last_position, s.last_version, NULL::bigint, NULL::uuid, NULL, NULL::integer, NULL,
      NULL::integer, NULL::timestamptz(3), NULL, NULL::bytea, NULL::bytea, NULL::bytea;
  END IF;
END $$;
