import { afterAll, afterEach, beforeAll, describe } from 'vitest';

import { appending } from './contract/appending.ts';
import { following } from './contract/following.ts';
import { reading } from './contract/reading.ts';
import type { LogStore, OpenedLog } from './contract/store.ts';

/**
 * Defines the tests that hold of every log, whichever store it is in. What only one store can do (gapless positions, an append as a
 * single write) is tested beside its adapter.
 */
export function eventLogContract(name: string, openStore: () => Promise<LogStore>): void {
  let store: LogStore;
  const opened: OpenedLog[] = [];
  const open = () => {
    const one = store.open();
    opened.push(one);
    return one.log;
  };
  describe(`the contract of an event log, on ${name}`, () => {
    beforeAll(async () => {
      store = await openStore();
    });
    afterEach(() => Promise.all(opened.splice(0).map((one) => one.close())).then(() => {}));
    afterAll(() => store.drop());
    describe('appending', () => appending(open));
    describe('reading', () => reading(open));
    describe('following', () => following(open));
  });
}
