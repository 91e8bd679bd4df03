-- Consumer groups: which process reads which shard of the log, how far each shard has come, and which streams wait for somebody.

CREATE TABLE consumer_groups (
  name   text COLLATE "C" PRIMARY KEY,
  shards integer NOT NULL CHECK (shards BETWEEN 1 AND 1024)
);
COMMENT ON COLUMN consumer_groups.shards IS 'Fixed when the group first runs: another number would move streams between checkpoints.';

CREATE TABLE consumer_members (
  consumer_group text COLLATE "C" NOT NULL REFERENCES consumer_groups (name) ON DELETE CASCADE,
  member         text COLLATE "C" NOT NULL,
  lease_until    timestamptz NOT NULL,
  PRIMARY KEY (consumer_group, member)
);

-- Updated all the time: room on the page keeps these updates from ever touching the index.
CREATE TABLE consumer_shards (
  consumer_group text COLLATE "C" NOT NULL REFERENCES consumer_groups (name) ON DELETE CASCADE,
  shard          integer NOT NULL,
  position       bigint NOT NULL DEFAULT 0,
  epoch          bigint NOT NULL DEFAULT 0,
  owner          text COLLATE "C",
  lease_until    timestamptz,
  PRIMARY KEY (consumer_group, shard)
) WITH (fillfactor = 20);
COMMENT ON COLUMN consumer_shards.epoch IS 'Raised with each new owner; whoever holds an older one can move nothing any more.';

CREATE TABLE consumer_parked (
  consumer_group text COLLATE "C" NOT NULL,
  stream         text COLLATE "C" NOT NULL,
  shard          integer NOT NULL,
  version        integer NOT NULL,
  position       bigint NOT NULL,
  event_id       text NOT NULL,
  type           text NOT NULL,
  error          text NOT NULL,
  attempts       integer NOT NULL,
  parked_at      timestamptz NOT NULL DEFAULT now(),
  replaying      boolean NOT NULL DEFAULT false,
  PRIMARY KEY (consumer_group, stream),
  FOREIGN KEY (consumer_group, shard) REFERENCES consumer_shards ON DELETE CASCADE
);
COMMENT ON COLUMN consumer_parked.version IS 'The stream''s events from this version on have not been delivered; the log holds them, nothing is copied.';
COMMENT ON COLUMN consumer_parked.replaying IS 'Whether the owner of the shard is to deliver them now.';

-- A member's sign of life: keeps its leases, moves the checkpoints of the shards it holds (moved_*), and claims its fair share of what
-- is free. Answers with every shard the member holds now. One that is marked surplus belongs to others by the fair share: the member
-- lets go of it when the effect in hand has ended. A lease that has lapsed is lost, also to its own holder: it gets a new epoch.
CREATE FUNCTION consumer_heartbeat(
  group_name text, member_name text, lease_for interval,
  moved_shards integer[], moved_epochs bigint[], moved_positions bigint[]
) RETURNS TABLE (shard integer, epoch bigint, "position" bigint, surplus boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  all_shards integer;
  others     integer;  -- live members beside this one
  before     integer;  -- ... whose names come first: they get the shards that are left over
  fair       integer;
  held       integer;
  moment     timestamptz;
BEGIN
  -- Members of a group take turns here, so that no shard is claimed twice.
  SELECT g.shards INTO STRICT all_shards FROM consumer_groups g WHERE g.name = group_name FOR UPDATE;
  moment := clock_timestamp();
  INSERT INTO consumer_members AS m (consumer_group, member, lease_until) VALUES (group_name, member_name, moment + lease_for)
    ON CONFLICT (consumer_group, member) DO UPDATE SET lease_until = excluded.lease_until;
  DELETE FROM consumer_members m WHERE m.consumer_group = group_name AND m.lease_until <= moment;
  SELECT count(*) FILTER (WHERE m.member <> member_name), count(*) FILTER (WHERE m.member < member_name)
    INTO others, before FROM consumer_members m WHERE m.consumer_group = group_name;
  fair := all_shards / (others + 1) + (before < all_shards % (others + 1))::integer;

  UPDATE consumer_shards s
     SET lease_until = moment + lease_for,
         position = greatest(s.position, (
           SELECT max(moved.position) FROM unnest(moved_shards, moved_epochs, moved_positions) AS moved (shard, epoch, position)
           WHERE moved.shard = s.shard AND moved.epoch = s.epoch))
   WHERE s.consumer_group = group_name AND s.owner = member_name AND s.lease_until > moment;
  GET DIAGNOSTICS held = ROW_COUNT;

  UPDATE consumer_shards s
     SET owner = member_name, epoch = s.epoch + 1, lease_until = moment + lease_for
   WHERE s.consumer_group = group_name AND s.shard IN (
     SELECT free.shard FROM consumer_shards free
     WHERE free.consumer_group = group_name AND (free.owner IS NULL OR free.lease_until <= moment)
     ORDER BY free.shard LIMIT greatest(fair - held, 0));

  RETURN QUERY
    SELECT s.shard, s.epoch, s.position, row_number() OVER (ORDER BY s.shard) > fair
    FROM consumer_shards s WHERE s.consumer_group = group_name AND s.owner = member_name AND s.lease_until > moment;
END $$;
