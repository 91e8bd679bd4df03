import { lagsAfter, type Lag } from '#infra/event-log/consumers/lag.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { gauge, gauges } from '#infra/process/metrics.ts';
import type { Pool } from 'pg';

import { headAndCheckpoints } from './consistency.ts';

interface ViewLag extends Lag {
  readonly view: string;
  readonly halted: boolean;
}

/** Where the log ends, and how far each view is behind. */
export async function lagOfViews(
  pool: Pool,
  log: Pick<EventLog, 'head' | 'readAll'>,
): Promise<{ head: bigint; views: ViewLag[] }> {
  const { head, checkpoints } = await headAndCheckpoints(pool);
  const views = [...checkpoints].map(([view, { position, halted }]) => ({ view, position, halted }));
  const lags = await lagsAfter(
    log,
    views.map(({ position }) => position),
  );
  return {
    head,
    views: views.map(({ view, halted }, n) => ({ view, halted, ...(lags[n] ?? { events: 0, oldest_s: 0 }) })),
  };
}

/** The same in the Prometheus text format. */
export function viewMetrics({ head, views }: Awaited<ReturnType<typeof lagOfViews>>): string {
  const name = (what: string) => `miniredis_projection_${what}`;
  const of = <Value>(value: (view: ViewLag) => Value) => views.map((view) => [view.view, value(view)] as const);
  return [
    gauge('miniredis_log_head_position', 'Position of the last event.', head),
    gauges(
      name('lag_events'),
      'Events that a read model has yet to apply.',
      'view',
      of(({ events }) => events),
    ),
    gauges(
      name('oldest_unprocessed_seconds'),
      'Age of the first event that a read model has yet to apply.',
      'view',
      of(({ oldest_s }) => oldest_s.toFixed(3)),
    ),
    gauges(
      name('halted'),
      'Whether a read model met an event that it can’t apply.',
      'view',
      of(({ halted }) => (halted ? 1 : 0)),
    ),
  ].join('\n');
}
