import type { Pool } from 'pg';

/**
 * What must hold of every log at every moment, as seen by one reader: positions 1 to n without a gap, versions of each stream from
 * 0 without a gap and in the order of positions, times that never go back, a head that is the last event, and small tables that
 * say of streams and appends what the events say. Returns what is wrong, in words; nothing when all is well.
 */
export async function flawsOf(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ flaw: string; count: bigint }>(`
    WITH ordered AS MATERIALIZED (
      SELECT position, recorded_at, version,
             lag(recorded_at) OVER (ORDER BY position) AS time_before,
             row_number() OVER (ORDER BY position) AS nth,
             row_number() OVER (PARTITION BY stream ORDER BY position) - 1 AS nth_of_stream
      FROM events)
    SELECT 'positions with a gap before them' AS flaw, count(*) FROM ordered WHERE position <> nth
    UNION ALL SELECT 'versions out of order', count(*) FROM ordered WHERE version <> nth_of_stream
    UNION ALL SELECT 'times that went back', count(*) FROM ordered WHERE recorded_at < time_before
    UNION ALL SELECT 'a head that is not the last event', count(*) FROM head
      WHERE position <> (SELECT coalesce(max(position), 0) FROM events)
    UNION ALL SELECT 'streams that are not as their events are', count(*) FROM
      (SELECT stream, min(position) AS first_position, max(position) AS last_position, max(version) AS last_version,
              min(stream_id) AS least_id, max(stream_id) AS greatest_id FROM events GROUP BY stream) AS told
      FULL JOIN streams USING (stream, first_position, last_position, last_version)
      WHERE (least_id = first_position AND greatest_id = first_position) IS NOT TRUE
    UNION ALL SELECT 'event ids that are there twice', count(*) - count(DISTINCT event_id) FROM events
    UNION ALL SELECT 'appends that do not follow each other', count(*) FROM
      (SELECT first_position, 1 + coalesce(sum(events) OVER earlier, 0) AS due FROM appends
       WINDOW earlier AS (ORDER BY first_position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS told
      WHERE first_position <> due
    UNION ALL SELECT 'events more or less than the appends tell of',
      abs((SELECT count(*) FROM events) - (SELECT coalesce(sum(events), 0) FROM appends))
    UNION ALL SELECT 'heads other than one', abs(count(*) - 1) FROM head`);
  return rows.filter(({ count }) => count !== 0n).map(({ flaw, count }) => `${count} ${flaw}`);
}
