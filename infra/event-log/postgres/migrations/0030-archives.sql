-- What lies in the object store, and how the log is read of which a part does.

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
