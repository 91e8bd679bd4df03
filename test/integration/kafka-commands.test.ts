import { keyIdWithin } from '#gateway/api-key.ts';
import { ApiKeyId } from '#domains/kernel/ids.ts';
import { issueAccessToken } from '#infra/crypto/access-token.ts';
import { takeCommands, type CommandConsumer } from '#gateway/kafka-commands/consumer.ts';
import { frame, unframe } from '#infra/kafka/framing.ts';
import { readRecords } from '#infra/kafka/read-records.ts';
import { commandsTopic, ensureCommandTopics, outcomesTopic } from '#infra/kafka/topics.ts';
import { schemaId } from '#schemas/ids.ts';
import { wire } from '#schemas/wire.ts';
import { Partitioners, type Admin, type Kafka as Client, type Producer } from 'kafkajs';
import { pino } from 'pino';
import { v4 as uuidv4 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { setTimeout as sleep } from 'node:timers/promises';
import { clientOf, startKafka, type Kafka } from '../tools/kafka.ts';
import { type GatewayBed, openGatewayBed } from './gateway-bed.ts';

interface Outcome {
  readonly commandId: string;
  readonly outcome: string;
  readonly status: number;
  readonly code: string | null;
  readonly position: number | null;
  readonly repeated: boolean;
  readonly body: string;
}

const logger = pino({ level: 'silent' });
const settings = { partitions: 1, replication: 1 };

let kafka: Kafka;
let bed: GatewayBed;
let client: Client;
let admin: Admin;
let producer: Producer;
let token: string;
let taking: CommandConsumer[] = [];

beforeAll(async () => {
  [kafka, bed] = await Promise.all([startKafka(), openGatewayBed()]);
  client = clientOf(kafka);
  admin = client.admin();
  producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await Promise.all([admin.connect(), producer.connect()]);
  await ensureCommandTopics(admin, settings);
  token = (await bed.operator('POST', '/v1/access-tokens')).body.token;
});
afterAll(async () => {
  await Promise.all([producer?.disconnect(), admin?.disconnect()]);
  await Promise.all([kafka?.close(), bed?.close()]);
});
beforeEach(take);
afterEach(stopTaking);

function take(): void {
  taking.push(takeCommands({ kafka: client, settings, app: bed.app, deps: { ...bed, logger } }));
}

async function stopTaking(): Promise<void> {
  await Promise.all(taking.map((one) => one.stop()));
  taking = [];
}

async function send(value: Buffer | string | null, headers: Record<string, string>): Promise<void> {
  await producer.send({ topic: commandsTopic, messages: [{ value, headers }] });
}

/** Sends a command as JSON; returns its id. */
async function command(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const id = headers['command'] ?? uuidv4();
  await send(JSON.stringify({ method, path, body }), { authorization: `Bearer ${token}`, command: id, ...headers });
  return id;
}

async function outcomes(): Promise<Outcome[]> {
  const ends = await admin.fetchTopicOffsets(outcomesTopic);
  const ranges = ends.map(({ partition, high }) => ({ topic: outcomesTopic, partition, start: 0, end: Number(high) }));
  const read: Outcome[] = [];
  await readRecords(client, ranges, (_range, { key, value }) => {
    const outcome = wire.decode('Outcome', 1, unframe(value).avro) as unknown as Outcome;
    expect(String(key)).toBe(outcome.commandId);
    read.push(outcome);
  });
  return read;
}

/** The outcomes of a command, as soon as there are so many. */
async function outcomesOf(id: string, count = 1): Promise<Outcome[]> {
  for (;;) {
    const found = (await outcomes()).filter(({ commandId }) => commandId === id);
    if (found.length >= count) return found;
  }
}

async function entries(): Promise<{ type: string; address: string | null; data: unknown }[]> {
  const found = [];
  for await (const batch of bed.log.readAll({ after: 0n, filter: { categories: ['command'] } })) {
    found.push(...batch.map(({ type, data, metadata: { address } }) => ({ type, data, address })));
  }
  return found;
}

test('a command over Kafka is a write over HTTP: same rules, same entry, its outcome under its id', async () => {
  const id = await command('POST', '/v1/tenants', { name: 'Over Kafka' }, { correlation: 'corr-7' });
  const [outcome] = await outcomesOf(id);
  expect(outcome).toMatchObject({ outcome: 'accepted', status: 201, code: null, repeated: false });
  const tenant = JSON.parse(outcome?.body ?? '') as { id: string; name: string };
  expect((await bed.operator('GET', `/v1/tenants/${tenant.id}`)).body).toMatchObject({ name: 'Over Kafka' });
  const { body } = await bed.operator('GET', `/v1/audit?action=CreateTenant`);
  expect(body.items[0]).toMatchObject({
    commandId: id,
    outcome: 'accepted',
    correlationId: 'corr-7',
    address: 'kafka',
  });
  expect(outcome?.position).toBe(body.items[0].position);
});

test('Avro is understood as well as JSON', async () => {
  const id = uuidv4();
  const data = { method: 'POST', path: '/v1/tenants', body: JSON.stringify({ name: 'Avro' }) };
  const avro = frame(schemaId({ eventType: 'Command', version: 1 }), wire.encode('Command', data).bytes);
  await send(avro, { authorization: `Bearer ${token}`, command: id });
  expect((await outcomesOf(id))[0]).toMatchObject({ outcome: 'accepted', status: 201 });
});

test('an id is handled once, over Kafka and HTTP together; another command under it is refused', async () => {
  const id = uuidv4();
  const body = { name: 'Once' };
  const { body: made } = await bed.operator('POST', '/v1/tenants', body, { 'idempotency-key': id });
  await command('POST', '/v1/tenants', body, { command: id });
  await command('POST', '/v1/tenants', body, { command: id });
  await command('POST', '/v1/tenants', { name: 'Another' }, { command: id });
  const found = await outcomesOf(id, 3);
  expect(found.map(({ status }) => status)).toEqual([201, 201, 422]);
  expect(found.map(({ repeated }) => repeated)).toEqual([true, true, false]);
  expect(JSON.parse(found[0]?.body ?? '')).toMatchObject({ id: made.id });
  expect(found[2]?.code).toBe('idempotency_key_reused');
});

test('nothing personal gets into outcomes, where no erasure would reach it', async () => {
  const name = 'Ada Lovelace';
  const tenant = await command('POST', '/v1/tenants', { name });
  const taken = await command('POST', '/v1/tenants', { name });
  const key = await command('POST', '/v1/api-keys', { name, role: 'auditor' });
  for (const [id, status] of [
    [tenant, 201],
    [taken, 409],
    [key, 201],
  ] as const) {
    const [outcome] = await outcomesOf(id);
    expect(outcome).toMatchObject({ status });
    expect(outcome?.body).not.toContain('Ada');
  }
  expect((await bed.operator('GET', '/v1/tenants?limit=200')).text).toContain(name);
});

test('no secret gets into Kafka', async () => {
  const { body: tenant } = await bed.operator('POST', '/v1/tenants', { name: 'Secretive' });
  const node = await command('POST', `/v1/tenants/${tenant.id}/nodes`, { name: 'n', memoryLimitMb: 1 });
  const key = await command('POST', '/v1/api-keys', { name: 'k', role: 'auditor' });
  const [[ofNode], [ofKey]] = [await outcomesOf(node), await outcomesOf(key)];
  expect(ofNode).toMatchObject({ outcome: 'accepted', status: 201 });
  expect(JSON.parse(ofNode?.body ?? '')).toMatchObject({ credentialsShown: true });
  expect(ofNode?.body).not.toMatch(/password"|redis:\/\/[^@]*:[^@]+@/);
  expect(JSON.parse(ofKey?.body ?? '')).toMatchObject({ credentialsShown: true });
  expect(ofKey?.body).not.toContain('mr_key_');
});

test('poison and whoever may not get a denial in the log and an outcome, and hold up nobody', async () => {
  const { body: revoked } = await bed.operator('POST', '/v1/api-keys', { name: 'gone', role: 'operator' });
  const { body: late } = await bed.client(revoked.key)('POST', '/v1/access-tokens');
  await bed.operator('DELETE', `/v1/api-keys/${revoked.id}`);
  const auditor = await bed.keyOf('auditor', null);
  const { body: weak } = await bed.client(auditor)('POST', '/v1/access-tokens');
  const before = (await entries()).length;

  const ids = {
    none: await command('POST', '/v1/tenants', { name: 'x' }, { authorization: '' }),
    key: await command('POST', '/v1/tenants', { name: 'x' }, { authorization: `Bearer ${bed.operatorKey}` }),
    forged: await command(
      'POST',
      '/v1/tenants',
      { name: 'x' },
      { authorization: `Bearer ${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}` },
    ),
    revoked: await command('POST', '/v1/tenants', { name: 'x' }, { authorization: `Bearer ${late.token}` }),
    read: await command('GET', '/v1/tenants'),
    elsewhere: await command('POST', '/subjects/x', {}),
    exec: await command('POST', '/v1/nodes/node_x/exec', { command: ['GET', 'k'] }),
    weak: await command('POST', '/v1/tenants', { name: 'x' }, { authorization: `Bearer ${weak.token}` }),
    invalid: await command('POST', '/v1/tenants', { name: '' }),
    nothing: await command('POST', '/v1/nothing', {}),
  };
  const poison = [null, '', '{', '[]', Buffer.from([0, 0, 0, 0, 99, 1]), Buffer.alloc(4), '"text"'];
  for (const [n, value] of poison.entries()) {
    await send(value, { authorization: `Bearer ${token}`, command: `poison-${n}` });
  }
  await send('{}', { authorization: `Bearer ${token}` });
  const last = await command('POST', '/v1/tenants', { name: 'After all that' });

  expect((await outcomesOf(last))[0]).toMatchObject({ outcome: 'accepted' });
  const all = await outcomes();
  const of = (id: string) => all.filter(({ commandId }) => commandId === id);
  const denied = (code: string) => [expect.objectContaining({ outcome: 'denied', code })];
  for (const id of [ids.none, ids.key, ids.forged, ids.revoked]) expect(of(id)).toEqual(denied('unauthenticated'));
  for (const id of [ids.read, ids.elsewhere]) expect(of(id)).toEqual(denied('malformed_command'));
  for (const n of poison.keys()) expect(of(`poison-${n}`)).toEqual(denied('malformed_command'));
  expect(of(ids.exec)).toEqual(denied('command_not_allowed'));
  expect(of(ids.weak)).toEqual(denied('forbidden'));
  expect(of(ids.invalid)).toEqual([expect.objectContaining({ outcome: 'rejected', code: 'validation_failed' })]);
  expect(of(ids.nothing)).toEqual([expect.objectContaining({ outcome: 'rejected', code: 'route_not_found' })]);
  // The record without an id goes by its place.
  expect(all.filter(({ commandId }) => commandId.startsWith(`${commandsTopic}/0/`))).toHaveLength(1);
  const added = (await entries()).slice(before);
  expect(added.filter(({ type }) => type === 'CommandDenied')).toHaveLength(4 + 2 + 7 + 1 + 1 + 1);
  // A key that was sent by mistake is repeated nowhere.
  expect(JSON.stringify([added, all])).not.toContain(bed.operatorKey);
});

test('a path leads to the route that it names, and nothing but that', async () => {
  const paths = [
    '/v1/nodes/node_x/%65xec',
    '/v1/nodes/node_x/exec?x',
    '/v1/../subjects/x',
    '/v1/tenants?limit=1',
    '/v1/tenants#x',
    '//v1/tenants',
    'http://elsewhere/v1/tenants',
  ];
  const ids: string[] = [];
  for (const path of paths) ids.push(await command('POST', path, { name: 'x', command: ['GET', 'k'] }));
  for (const id of ids) {
    expect((await outcomesOf(id))[0]).toMatchObject({ outcome: 'denied', code: 'malformed_command' });
  }
});

test('a token that is over is worth nothing; headers and bodies that no request may have get their outcome, too', async () => {
  const keyId = ApiKeyId.parse(keyIdWithin(bed.operatorKey));
  const over = issueAccessToken(bed.masterKey, { keyId, expiresAt: new Date(Date.now() - 1) });
  const name = 'x'.repeat(900_000);
  const ids = {
    over: await command('POST', '/v1/tenants', { name: 'x' }, { authorization: `Bearer ${over}` }),
    correlation: await command('POST', '/v1/tenants', { name: 'x' }, { correlation: 'a\r\nb: c' }),
    large: await command('POST', '/v1/tenants', { name }),
    text: await command('POST', '/v1/tenants', 'no JSON'),
    trace: await command('POST', '/v1/tenants', { name: 'Traced' }, { traceparent: 'nonsense' }),
  };
  const codeOf = async (id: string) => (await outcomesOf(id))[0]?.code;
  expect(await codeOf(ids.over)).toBe('unauthenticated');
  expect(await codeOf(ids.correlation)).toBe('malformed_header');
  expect(await codeOf(ids.large)).toBe('validation_failed');
  expect(await codeOf(ids.text)).toBe('malformed_json');
  expect((await outcomesOf(ids.trace))[0]).toMatchObject({ outcome: 'accepted' });
});

test('what is another tenant’s is answered like what is not there', async () => {
  const [{ body: own }, { body: other }] = [
    await bed.operator('POST', '/v1/tenants', { name: 'Own' }),
    await bed.operator('POST', '/v1/tenants', { name: 'Other' }),
  ];
  const { body: node } = await bed.operator('POST', `/v1/tenants/${other.id}/nodes`, { name: 'n', memoryLimitMb: 1 });
  const admin = bed.client(await bed.keyOf('tenant-admin', own.id));
  const authorization = `Bearer ${(await admin('POST', '/v1/access-tokens')).body.token}`;
  const absent = `${node.id.slice(0, -1)}${node.id.endsWith('0') ? '1' : '0'}`;
  const bodies: string[] = [];
  for (const id of [node.id, absent]) {
    const [outcome] = await outcomesOf(await command('DELETE', `/v1/nodes/${id}`, undefined, { authorization }));
    expect(outcome).toMatchObject({ status: 404, outcome: 'rejected' });
    bodies.push((outcome?.body ?? '').replaceAll(id, 'ID'));
  }
  expect(bodies[0]).toBe(bodies[1]);
  expect((await bed.operator('GET', `/v1/nodes/${node.id}`)).body.state).toBe('running');
});

test('a command that is delivered again after a crash is handled once and has its outcome', async () => {
  const id = await command('POST', '/v1/tenants', { name: 'Crash' });
  const [first] = await outcomesOf(id);
  await stopTaking();
  // As if the gateway had been killed before its group took note: everything is delivered again.
  await admin.resetOffsets({ groupId: 'miniredis-commands', topic: commandsTopic, earliest: true });
  const accepted = (await entries()).length;
  take();
  const [, second] = await outcomesOf(id, 2);
  expect(second).toEqual({ ...first, repeated: true });
  await command('POST', '/v1/tenants', { name: 'Sentinel' }).then((sentinel) => outcomesOf(sentinel));
  expect(await entries()).toHaveLength(accepted + 1);
});

test('a command that was handled is told so when it is delivered again after its token has ended', async () => {
  const keyId = ApiKeyId.parse(keyIdWithin(bed.operatorKey));
  const short = (): string => {
    const expiresAt = new Date(Date.now() + 3000);
    return `Bearer ${issueAccessToken(bed.masterKey, { keyId, expiresAt })}`;
  };
  const authorization = short();
  const made = await command('POST', '/v1/tenants', { name: 'In time' }, { authorization });
  const refused = await command('POST', '/v1/tenants', { name: 'In time' }, { authorization });
  const firsts = [(await outcomesOf(made))[0], (await outcomesOf(refused))[0]];
  expect(firsts).toMatchObject([{ status: 201 }, { status: 409 }]);
  await stopTaking();
  await sleep(3000);
  await admin.resetOffsets({ groupId: 'miniredis-commands', topic: commandsTopic, earliest: true });
  const before = await entries();
  take();
  expect((await outcomesOf(made, 2))[1]).toEqual({ ...firsts[0], repeated: true });
  expect((await outcomesOf(refused, 2))[1]).toEqual({ ...firsts[1], repeated: true });
  // The same token leads to nothing new, under a new id or an old one.
  const other = await command('POST', '/v1/tenants', { name: 'Too late' }, { authorization });
  await command('POST', '/v1/tenants', { name: 'Too late' }, { authorization, command: made });
  expect((await outcomesOf(other))[0]).toMatchObject({ outcome: 'denied', code: 'unauthenticated' });
  expect((await outcomesOf(made, 3))[2]).toMatchObject({ outcome: 'denied', code: 'unauthenticated' });
  const added = (await entries()).slice(before.length);
  expect(added.map(({ type }) => type)).toEqual(['CommandDenied', 'CommandDenied']);
});
