import type { StoredEvents } from '../stored-events.ts';
import { follow, type Parts } from './all.ts';
import { connect } from './connection.ts';
import { openDecisions } from './decisions.ts';
import { readHead } from './end.ts';
import { openLandmarks } from './landmarks.ts';
import { defaultGraceMs, usualPatienceMs } from './log.ts';

/** Reads what the log on EventStoreDB has stored, as far as it counts; nothing is decoded or decrypted. */
export function openEventStoreStoredEvents(url: string): StoredEvents {
  const connection = connect(url, usualPatienceMs);
  const parts: Parts = { connection, decisions: openDecisions(connection, defaultGraceMs), landmarks: openLandmarks() };
  return {
    head: () => readHead(parts),
    async *follow(options) {
      for await (const { events } of follow(parts, { ...options, filter: {}, patienceMs: usualPatienceMs })) {
        if (events.length > 0) yield events;
      }
    },
    close: () => connection.close(),
  };
}
