import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { Readable } from 'node:stream';

import { z } from 'zod';

/** One event of an exported history, as far as a replay needs it. */
export interface HistoryEvent {
  readonly position: bigint;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly recordedAt: string;
  readonly data: unknown;
}

/** The history is not what it should be, or can't be read; the message says what to do. */
export class HistoryProblem extends Error {
  override readonly name = 'HistoryProblem';
}

const Line = z.object({
  position: z.bigint().positive(),
  eventId: z.uuid(),
  stream: z.string().regex(/^[a-z]+-./),
  version: z.int().min(0),
  type: z.string().min(1),
  schemaVersion: z.int().min(1),
  recordedAt: z.iso.datetime({ precision: 3 }),
  data: z.unknown(),
  metadata: z.looseObject({ actor: z.object({ kind: z.string(), id: z.string() }) }),
});

/** The events of NDJSON text, one at a time. Throws a `HistoryProblem` that names the line. */
async function* parseHistory(input: Readable): AsyncGenerator<HistoryEvent> {
  let number = 0;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    number += 1;
    if (line.trim() !== '') yield parseLine(line, number);
  }
}

function parseLine(line: string, number: number): HistoryEvent {
  let json: unknown;
  try {
    json = JSON.parse(line, keepPosition);
  } catch {
    throw new HistoryProblem(`Line ${number} is not JSON: the history was cut off or is of another format.`);
  }
  const { success, data, error } = Line.safeParse(json);
  if (success) return data;
  const [issue] = error.issues;
  throw new HistoryProblem(`Line ${number} is no event: ${issue?.path.join('.')} ${issue?.message}`);
}

/** A position may have more digits than a JavaScript number; see https://tc39.es/proposal-json-parse-with-source/ */
function keepPosition(this: unknown, key: string, value: unknown, context?: { source?: string }): unknown {
  if (key !== 'position' || typeof value !== 'number' || context?.source === undefined) return value;
  return /^\d+$/.test(context.source) ? BigInt(context.source) : value;
}

/** A history from a file; `-` is standard input. */
export function readHistoryFile(file: string): AsyncGenerator<HistoryEvent> {
  return parseHistory(file === '-' ? process.stdin : createReadStream(file));
}

/** A gateway and a key that may read its history. */
export interface Gateway {
  readonly url: string;
  readonly key: string;
}

/** The history that a gateway serves, from one position to another (both included; without `to`: to its present end). */
export async function* fetchHistory(gateway: Gateway, from: bigint, to?: bigint): AsyncGenerator<HistoryEvent> {
  const response = await get(gateway, `/v1/events?from=${from}${to === undefined ? '' : `&to=${to}`}`);
  if (response.body === null) return;
  try {
    yield* parseHistory(Readable.fromWeb(response.body));
  } catch (error) {
    if (error instanceof HistoryProblem) throw error;
    throw new HistoryProblem(`The gateway cut the history off (${String(error)}); try again.`);
  }
}

/** A successful reply of the gateway, else a `HistoryProblem` with what it said. */
export async function get({ url, key }: Gateway, path: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(new URL(path, url), { headers: { authorization: `Bearer ${key}` } });
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause?.code ?? String(error);
    throw new HistoryProblem(`No gateway answers at ${url} (${cause}); start the platform, or give --file or --url.`);
  }
  if (response.ok) return response;
  throw new HistoryProblem(`GET ${path} answered ${response.status}: ${await response.text()}`);
}
