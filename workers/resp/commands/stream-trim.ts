import type { Client } from '../clients/server.ts';
import { formatId, MAX_ID } from '../keyspace/stream-id.ts';
import type { StreamId } from '../keyspace/stream-id.ts';
import { topOf } from '../keyspace/stream-block.ts';
import { countOf, placeOf } from '../keyspace/stream-entries.ts';
import type { StreamValue } from '../keyspace/stream-value.ts';
import { idArg } from './stream-arguments.ts';
import { integerArg } from './arguments.ts';

/** What XADD and XTRIM remove from a stream's beginning. */
export interface Trim {
  readonly by: { readonly maxLength: number } | { readonly minId: StreamId };
  /** Whole blocks only, as `~` allows. */
  readonly approximate: boolean;
  /** How many entries may be removed; 0 means any number. */
  limit: number;
}

/** XADD's and XTRIM's options as they are read one by one. */
export interface TrimOptions {
  trim: Trim | undefined;
  limit: number | undefined;
}

const BLOCKS_AT_ONCE = 100;

/**
 * Reads MAXLEN, MINID or LIMIT at `at`: how many words it took, 0 when something else stands there; undefined when it was
 * wrong (the error was sent).
 */
export function trimOption(
  client: Client,
  args: readonly string[],
  at: number,
  options: TrimOptions,
): number | undefined {
  const name = args[at]!.toUpperCase();
  const more = args.length - 1 - at;
  if (more === 0) return 0;
  if (name === 'LIMIT') {
    const limit = integerArg(client, args[at + 1]!);
    if (limit === undefined) return undefined;
    options.limit = limit;
    if (limit >= 0) return 2;
    client.reply.error('ERR The LIMIT argument must be >= 0.');
    return undefined;
  }
  if (name !== 'MAXLEN' && name !== 'MINID') return 0;
  if (options.trim !== undefined) {
    client.reply.error('ERR syntax error, MAXLEN and MINID options at the same time are not compatible');
    return undefined;
  }
  const sign = args[at + 1]!;
  const signed = more >= 2 && (sign === '~' || sign === '=');
  const by = thresholdArg(client, name, args[signed ? at + 2 : at + 1]!);
  if (by === undefined) return undefined;
  options.trim = { by, approximate: signed && sign === '~', limit: 0 };
  return signed ? 3 : 2;
}

function thresholdArg(client: Client, name: 'MAXLEN' | 'MINID', text: string): Trim['by'] | undefined {
  if (name === 'MINID') {
    const minId = idArg(client, text);
    return minId === undefined ? undefined : { minId };
  }
  const maxLength = integerArg(client, text);
  if (maxLength === undefined) return undefined;
  if (maxLength >= 0) return { maxLength };
  client.reply.error('ERR The MAXLEN argument must be >= 0.');
  return undefined;
}

/** Whether the options fit together (else the error was sent); settles the limit. */
export function trimHolds(client: Client, { trim, limit }: TrimOptions): boolean {
  if (limit !== undefined && limit > 0 && trim === undefined) {
    client.reply.error('ERR syntax error, LIMIT cannot be used without specifying a trimming strategy');
    return false;
  }
  // What a journal holds was settled when it was written.
  if (client.node.replaying) return true;
  if (limit !== undefined && trim?.approximate !== true) {
    client.reply.error('ERR syntax error, LIMIT cannot be used without the special ~ option');
    return false;
  }
  if (trim === undefined) return true;
  const usual = BLOCKS_AT_ONCE * client.node.encodingLimits.streamEntries;
  if (trim.approximate) trim.limit = limit ?? (usual <= 0 ? 10_000 : Math.min(usual, 1_000_000));
  return true;
}

/** Trims a stream and returns how many entries were removed. */
export function trimStream(stream: StreamValue, { by, approximate, limit }: Trim): number {
  let removed = 0;
  for (;;) {
    const [block] = stream.blocks;
    if (block === undefined) return removed;
    const length = countOf(block.entries);
    const excess = 'maxLength' in by ? stream.size - by.maxLength : placeOf(block.entries, by.minId);
    if ('maxLength' in by && excess <= 0) return removed;
    if (limit > 0 && removed + length > limit) return removed;
    if ('maxLength' in by ? excess >= length : topOf(block) < by.minId) {
      stream.dropFirstBlock();
      removed += length;
      continue;
    }
    if (approximate || excess === 0) return removed;
    if (excess >= length) {
      // All that is left of the block is too old, though what it ended with and was deleted was not.
      stream.dropFirstBlock();
      return removed + length;
    }
    stream.dropHead(excess);
    return removed + excess;
  }
}

/** The same trimming in words that mean the same wherever they are replayed: exact, and up to what is left now. */
export function exactTrim(stream: StreamValue, { by }: Trim): string[] {
  return 'maxLength' in by
    ? ['MAXLEN', '=', String(stream.size)]
    : ['MINID', '=', formatId(stream.size === 0 ? MAX_ID : stream.firstId)];
}
