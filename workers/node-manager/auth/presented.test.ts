import { newId } from '#infra/crypto/ids.ts';
import { newSecret } from '#infra/crypto/secrets.ts';
import { describe, expect, test } from 'vitest';

import { readPresented } from './presented.ts';

const nodeId = newId('node');
const password = `${nodeId}.${newSecret()}`;
const address = '192.0.2.1';

describe('all forms of AUTH lead to the node', () => {
  test.each([
    ['the password alone', {}],
    ['the default user', { username: 'default' }],
    ['the node', { username: nodeId }],
    ['the node and its default user', { username: `${nodeId}:default` }],
  ])('%s', (_, user) => {
    expect(readPresented({ ...user, password, address })).toEqual({
      kind: 'node',
      nodeId,
      password,
      genuineForm: true,
    });
  });
});

test('a password that no platform made is known as such', () => {
  for (const wrong of ['', 'secret', `${newId('node')}.${newSecret()}`, `${nodeId}.short`, `${password}x`]) {
    const presented = readPresented({ username: nodeId, password: wrong, address });
    expect(presented).toEqual({ kind: 'node', nodeId, password: wrong, genuineForm: false });
  }
});

test.each([
  ['a password without a node', { password: 'secret' }],
  ['an empty password', { password: '' }],
  ['a user that is no node', { username: 'admin', password }],
  ['an ACL user of no node', { username: 'admin:alice', password }],
  ['an empty ACL user', { username: `${nodeId}:`, password }],
  ['upper case', { username: nodeId.toUpperCase(), password }],
])('%s can never be right', (_, shown) => {
  expect(readPresented({ ...shown, address })).toEqual({ kind: 'nothing' });
});

test('another user than the default one is the business of the node', () => {
  const shown = { kind: 'aclUser', nodeId, user: 'a:lice', password: 'secret' };
  expect(readPresented({ username: `${nodeId}:a:lice`, password: 'secret', address })).toEqual(shown);
});

test('the platform shows a token', () => {
  expect(readPresented({ username: '@platform', password: 'token', address })).toEqual({
    kind: 'platform',
    token: 'token',
  });
});
