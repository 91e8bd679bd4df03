/**
 * SQL that moves the head on by so many events, and so locks it, and gives where it was (`before`) and when it moved. Nothing moves when
 * the next partition is due, since `append_events` alone makes it. The server copies the text for each append, so it has no indentation.
 */
export function moveHead(count: string | number): string {
  return `UPDATE head
SET position = position + ${count}, recorded_at = greatest(date_trunc('milliseconds', clock_timestamp()), recorded_at)
WHERE single AND next_partition > position + ${count} + partition_size
RETURNING position - ${count} AS before, recorded_at`;
}
