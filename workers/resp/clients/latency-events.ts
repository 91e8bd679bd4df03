import { clock } from '../keyspace/clock.ts';
import type { Server } from './server.ts';
import type { LatencyEvent } from './calls.ts';

const SAMPLES_MAX = 160;

/** Notes that something took long, when it did and someone wants to know. */
export function noteSpike(server: Server, event: string, milliseconds: number): void {
  const { latencyThresholdMs: threshold } = server;
  if (threshold === 0 || milliseconds < threshold) return;
  const events = (server.latencyEvents ??= new Map<string, LatencyEvent>());
  const found = events.get(event) ?? { samples: [], maxMs: 0 };
  events.set(event, found);
  const whole = Math.floor(milliseconds);
  found.maxMs = Math.max(found.maxMs, whole);
  const at = Math.floor(clock.now / 1000);
  const last = found.samples.at(-1);
  if (last?.at === at) {
    last.milliseconds = Math.max(last.milliseconds, whole);
    return;
  }
  found.samples.push({ at, milliseconds: whole });
  if (found.samples.length > SAMPLES_MAX) found.samples.shift();
}
