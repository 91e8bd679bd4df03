/** An archive as the database knows it: one row of `event_archives`. */
export interface Archive {
  readonly number: number;
  readonly manifestKey: string;
  readonly manifestSha256: string;
  readonly fileKey: string;
  readonly fileBytes: number;
  readonly events: number;
  readonly firstPosition: bigint;
  readonly lastPosition: bigint;
  readonly archivedAt: string;
}
