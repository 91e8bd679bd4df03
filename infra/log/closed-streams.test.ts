import { eventTypes } from '#schemas/registry.ts';
import { expect, test } from 'vitest';

import { closedStreams } from './closed-streams.ts';

test('what closes a stream is an event that there is', () => {
  const closing = Object.values(closedStreams).flatMap((types) => (types === 'always' ? [] : types));
  expect(closing.length).toBeGreaterThan(5);
  for (const type of closing) expect(eventTypes()).toContain(type);
});
