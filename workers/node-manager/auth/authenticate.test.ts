import type { NodeId } from '#domains/kernel/ids.ts';
import { newId } from '#infra/crypto/ids.ts';
import { newSecret, sha256Hex } from '#infra/crypto/secrets.ts';
import type { AuthRequest } from '#workers/resp/engine-api.ts';
import { beforeEach, expect, test } from 'vitest';

import type { Ticket, Verdict } from '../engines/calls.ts';
import { authenticator } from './authenticate.ts';
import { createThrottle } from '#workers/resp/clients/throttle.ts';

const address = '192.0.2.1';
let nodes: Map<NodeId, { ticket: Ticket; sha256: string }>;
let known: boolean;
let asked: number;
/** What the log brings when it is asked. */
let arrives: () => void;
let authenticate: (request: AuthRequest) => Promise<Verdict> | Verdict;

beforeEach(() => {
  [nodes, known, asked, arrives] = [new Map(), true, 0, () => {}];
  const admit = (nodeId: NodeId): Verdict => {
    const ticket = nodes.get(nodeId)?.ticket;
    return ticket === undefined ? {} : { ticket };
  };
  const door = {
    passwordSha256: (nodeId: NodeId) => nodes.get(nodeId)?.sha256,
    admit,
    admitPlatform(nodeId: NodeId): Verdict {
      const { ticket } = admit(nodeId);
      return ticket === undefined ? {} : { ticket: { ...ticket, privileged: true } };
    },
    userFits: async (_: NodeId, user: string, password: string) => user === 'alice' && password === 'wonderland',
    caughtUp: async () => {
      asked += 1;
      arrives();
    },
    isKnown: () => known,
    platformNode: (token: string) => [...nodes.keys()].find((nodeId) => token === `token of ${nodeId}`),
  };
  authenticate = authenticator(door, createThrottle());
});

function make(): { nodeId: NodeId; password: string; ticket: Ticket } {
  const nodeId = newId('node');
  const password = `${nodeId}.${newSecret()}`;
  const ticket = { nodeId, privileged: false, aclUser: null, stopped: false };
  nodes.set(nodeId, { ticket, sha256: sha256Hex(password) });
  return { nodeId, password, ticket };
}

test('the right password needs nothing of the log', async () => {
  const { password, ticket } = make();
  expect(await authenticate({ password, address })).toEqual({ ticket });
  expect(asked).toBe(0);
});

test('a node that the log has only just brought is let in', async () => {
  const { nodeId, password, ticket } = make();
  const fresh = nodes.get(nodeId);
  nodes.clear();
  arrives = () => fresh !== undefined && nodes.set(nodeId, fresh);
  expect(await authenticate({ username: nodeId, password, address })).toEqual({ ticket });
  expect(asked).toBe(1);
});

test('the log is asked for unknown nodes and wrong passwords alike, but never for what no platform made', async () => {
  const { nodeId } = make();
  const unknown = newId('node');
  await authenticate({ password: `${nodeId}.${newSecret()}`, address });
  await authenticate({ password: `${unknown}.${newSecret()}`, address });
  expect(asked).toBe(2);
  for (const password of ['garbage', `${nodeId}.short`, '', 'a'.repeat(10_000)]) {
    expect(await authenticate({ username: nodeId, password, address })).toEqual({});
  }
  expect(asked).toBe(2);
});

test(
  'one who guesses too often is not looked into any more, except for the right password',
  { timeout: 20_000 },
  async () => {
    const { nodeId, password, ticket } = make();
    const guess = async () => authenticate({ password: `${nodeId}.${newSecret()}`, address });
    await Promise.all(Array.from({ length: 60 }, guess));
    const before = asked;
    expect(await guess()).toMatchObject({ refusal: expect.stringMatching(/^WRONGPASS too many/) as string });
    expect(asked).toBe(before);
    expect(await authenticate({ password, address })).toEqual({ ticket });
    expect(await guess()).toEqual({});
  },
);

test('until the log has been read once nobody is told to be wrong', async () => {
  const { password, ticket } = make();
  known = false;
  const starting = { refusal: expect.stringMatching(/^LOADING /) as string };
  expect(await authenticate({ password, address })).toMatchObject(starting);
  arrives = () => (known = true);
  expect(await authenticate({ password, address })).toEqual({ ticket });
});

test('an ACL user is let in when the node knows its password, and nobody learns whether the node is there', async () => {
  const { nodeId, ticket } = make();
  const show = async (id: string, user: string, password: string) =>
    authenticate({ username: `${id}:${user}`, password, address });
  expect(await show(nodeId, 'alice', 'wonderland')).toEqual({ ticket: { ...ticket, aclUser: 'alice' } });
  expect(await show(nodeId, 'alice', 'wrong')).toEqual({});
  expect(await show(nodeId, 'bob', 'wonderland')).toEqual({});
  expect(await show(newId('node'), 'alice', 'wonderland')).toEqual({});
});

test("the platform's token leads to its node with privileges", async () => {
  const { nodeId, ticket } = make();
  const username = '@platform';
  expect(await authenticate({ username, password: `token of ${nodeId}`, address })).toEqual({
    ticket: { ...ticket, privileged: true },
  });
  expect(await authenticate({ username, password: 'token of another', address })).toEqual({});
});
