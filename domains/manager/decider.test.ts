import { describe, it } from 'vitest';
import { ManagerId } from '../kernel/ids.ts';
import { specOf } from '../kernel/spec.ts';
import { managerDecider } from './decider.ts';
import type { ManagerEvent } from './events.ts';

const { given } = specOf(managerDecider);
const data = { managerId: ManagerId.parse('manager-1'), host: '127.0.0.1', respPort: 6001, memoryBudgetMb: 1024 };
const registered: ManagerEvent = { type: 'ManagerRegistered', data };

describe('manager', () => {
  it('unknown × RegisterManager → registered', () => {
    given().when({ type: 'RegisterManager', data }).then(registered);
  });
  it('registered × the same again → nothing', () => {
    given(registered).when({ type: 'RegisterManager', data }).thenNothing();
  });
  it.each([{ host: '127.0.0.2' }, { respPort: 6002 }, { memoryBudgetMb: 2048 }])(
    'registered × %j → registered anew',
    (change) => {
      given(registered)
        .when({ type: 'RegisterManager', data: { ...data, ...change } })
        .then({ type: 'ManagerRegistered', data: { ...data, ...change } });
    },
  );
});
