import { ManagerId } from '#domains/kernel/ids.ts';
import { newId } from '#infra/crypto/ids.ts';
import { expect, test } from 'vitest';

import { createPlacements, rankManagers, type ManagerLoad } from './placement.ts';

const [small, large, third] = ['small', 'large', 'third'].map((name) => ManagerId.parse(name)) as [
  ManagerId,
  ManagerId,
  ManagerId,
];
const nodes = Array.from({ length: 4000 }, () => newId('node'));

test('nodes spread over managers in proportion to their weights', () => {
  const weights = new Map([
    [small, 1000],
    [large, 3000],
  ]);
  const onLarge = nodes.filter((nodeId) => rankManagers(nodeId, weights)[0] === large).length;
  expect(onLarge / nodes.length).toBeGreaterThan(0.71);
  expect(onLarge / nodes.length).toBeLessThan(0.79);
});

test('when a manager comes, nodes move to it only', () => {
  const before = new Map([
    [small, 1000],
    [large, 1000],
  ]);
  const after = new Map([...before, [third, 1000]]);
  for (const nodeId of nodes) {
    const [was] = rankManagers(nodeId, before);
    const [is] = rankManagers(nodeId, after);
    if (is !== was) expect(is).toBe(third);
  }
});

function placementsOf(loads: ManagerLoad[], overcommit = 1) {
  const model = { managers: loads, asOf: 0n };
  return { model, placements: createPlacements(() => Promise.resolve(model), overcommit) };
}

const node = newId('node');

test('without a manager there is no place', async () => {
  const { placements } = placementsOf([]);
  expect((await placements.place(node, 1)).placement).toBeNull();
});

test('what was promised counts before the read model shows it, and once only', async () => {
  const { model, placements } = placementsOf([{ managerId: small, memoryBudgetMb: 100, promisedMb: 0 }]);
  const first = await placements.place(node, 60);
  expect(first.placement).toEqual({ managerId: small, availableMb: 100 });
  expect((await placements.place(newId('node'), 60)).placement).toEqual({ managerId: small, availableMb: 40 });

  const { placements: fresh, model: loads } = placementsOf([{ managerId: small, memoryBudgetMb: 100, promisedMb: 0 }]);
  const accepted = await fresh.place(node, 60);
  accepted.settle(5n);
  expect((await fresh.grow(small, 0)).placement.availableMb).toBe(40);
  loads.managers = [{ managerId: small, memoryBudgetMb: 100, promisedMb: 60 }];
  loads.asOf = 5n;
  expect((await fresh.grow(small, 0)).placement.availableMb).toBe(40);
  expect(model.asOf).toBe(0n);
});

test('what was refused is not promised', async () => {
  const { placements } = placementsOf([{ managerId: small, memoryBudgetMb: 100, promisedMb: 0 }]);
  (await placements.place(node, 100)).settle(null);
  expect((await placements.place(node, 1)).placement?.availableMb).toBe(100);
});

test('a manager with room is taken before one without, and the budget may be promised more than once', async () => {
  const loads = [
    { managerId: small, memoryBudgetMb: 100, promisedMb: 100 },
    { managerId: large, memoryBudgetMb: 100, promisedMb: 0 },
  ];
  for (const nodeId of nodes.slice(0, 50)) {
    const place = await placementsOf(loads).placements.place(nodeId, 50);
    expect(place.placement?.managerId).toBe(large);
  }
  const { placements } = placementsOf([{ managerId: small, memoryBudgetMb: 100, promisedMb: 100 }], 2.5);
  expect((await placements.place(node, 1)).placement?.availableMb).toBe(150);
});
