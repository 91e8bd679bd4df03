import type { AddressInfo } from 'node:net';

import { openPostgresStoredEvents } from '#infra/event-log/postgres/stored.ts';
import { createPool } from '#infra/postgres/pool.ts';
import { catalog } from '#schemas/catalog.ts';
import { startRelay } from '#workers/relay/relay.ts';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { clientOf, startKafka } from '../tools/kafka.ts';
import { pythonWith } from '../tools/python.ts';
import { until } from '../tools/read-side.ts';
import { type Client, type GatewayBed, openGatewayBed } from './gateway-bed.ts';

const subject = 'miniredis.node.NodeFailed';
const entry = catalog().find((one) => one.subject === subject);
const schema = entry?.schema ?? '';

let bed: GatewayBed;
let ask: Client;

beforeAll(async () => {
  bed = await openGatewayBed();
  ask = bed.operator;
});
afterAll(() => bed?.close());

/** As a registry's clients send it. */
function post(path: string, body: object) {
  return ask('POST', path, body, { 'content-type': 'application/vnd.schemaregistry.v1+json' });
}

function withField(field: object): { schema: string } {
  const parsed = JSON.parse(schema) as { fields: object[] };
  return { schema: JSON.stringify({ ...parsed, fields: [...parsed.fields, field] }) };
}

describe('reading', () => {
  test('a schema by its id, its versions and its subject', async () => {
    const byId = await ask('GET', `/schemas/ids/${entry?.id}`);
    expect(byId.headers['content-type']).toBe('application/vnd.schemaregistry.v1+json');
    expect(JSON.parse(byId.body.schema as string)).toMatchObject({ type: 'record', name: 'NodeFailed' });
    expect((await ask('GET', `/schemas/ids/${entry?.id}/versions`)).body).toEqual([{ subject, version: 1 }]);
    expect((await ask('GET', '/schemas/types')).body).toEqual(['AVRO']);
  });

  test('subjects are the full names of records, with all versions', async () => {
    const { body } = await ask('GET', '/subjects');
    expect(body).toContain(subject);
    expect(body).toContain('miniredis.wire.Watermark');
    expect((await ask('GET', `/subjects/${subject}/versions`)).body).toEqual([1]);
    for (const version of ['1', 'latest', '-1']) {
      const found = await ask('GET', `/subjects/${subject}/versions/${version}`);
      expect(found.body).toEqual({ subject, version: 1, id: entry?.id, schema });
    }
  });

  test('what new versions must be', async () => {
    expect((await ask('GET', '/config')).body).toEqual({ compatibilityLevel: 'FULL_TRANSITIVE' });
    expect((await ask('GET', '/mode')).body).toEqual({ mode: 'READONLY' });
    expect((await ask('GET', `/config/${subject}?defaultToGlobal=true`)).body).toEqual({
      compatibilityLevel: 'FULL_TRANSITIVE',
    });
    expect((await ask('GET', `/mode/${subject}?defaultToGlobal=true`)).body).toEqual({ mode: 'READONLY' });
  });

  test('what tools list: contexts, all schemas, who refers to one', async () => {
    expect((await ask('GET', '/contexts')).body).toEqual(['.']);
    const { body } = await ask('GET', '/schemas?subjectPrefix=miniredis.node.NodeF');
    expect(body).toEqual([{ subject, version: 1, id: entry?.id, schema }]);
    expect((await ask('GET', `/subjects/${subject}/versions/1/referencedby`)).body).toEqual([]);
  });

  test.each([
    ['/schemas/ids/999999', 404, 40403],
    ['/schemas/ids/x', 404, 40403],
    ['/subjects/nobody/versions', 404, 40401],
    ['/subjects/nobody/versions/1', 404, 40401],
    [`/subjects/${subject}/versions/9`, 404, 40402],
    [`/subjects/${subject}/versions/0`, 422, 42202],
    [`/subjects/${subject}/versions/new`, 422, 42202],
  ])('%s: %i, error_code %i', async (path, status, code) => {
    const answer = await ask('GET', path);
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ error_code: code, message: expect.any(String) });
  });
});

describe('asking with a schema', () => {
  test('a schema that is there is found, whatever its layout and its documentation', async () => {
    const parsed = JSON.parse(schema) as Record<string, unknown>;
    const layout = JSON.stringify({ ...parsed, doc: undefined }, null, 2);
    for (const text of [schema, layout]) {
      expect((await post(`/subjects/${subject}`, { schema: text })).body).toMatchObject({ subject, version: 1 });
      expect((await post(`/subjects/${subject}/versions`, { schema: text })).body).toEqual({ id: entry?.id });
    }
  });

  test('nothing can be added', async () => {
    const answer = await post(`/subjects/${subject}/versions`, withField({ name: 'x', type: 'int', default: 0 }));
    expect(answer).toMatchObject({ status: 422, body: { error_code: 42205 } });
    const other = await post(`/subjects/${subject}`, withField({ name: 'x', type: 'int', default: 0 }));
    expect(other).toMatchObject({ status: 404, body: { error_code: 40403 } });
    expect(await post('/subjects/nobody', { schema })).toMatchObject({ status: 404, body: { error_code: 40401 } });
  });

  test('what the project’s own check refuses is refused here, in the same words', async () => {
    const parsed = JSON.parse(schema) as { fields: { name: string }[] };
    const [, ...others] = parsed.fields;
    const path = `/compatibility/subjects/${subject}/versions?verbose=true`;
    const { body } = await post(path, { schema: JSON.stringify({ ...parsed, fields: others }) });
    expect(body).toEqual({
      is_compatible: false,
      messages: [expect.stringContaining(`the new schema: field "${parsed.fields[0]?.name}" was removed`)],
    });
  });

  test('a field with a default is compatible, one without is not, and the reason is told', async () => {
    const path = `/compatibility/subjects/${subject}/versions/latest`;
    const good = await post(path, withField({ name: 'x', type: 'int', default: 0 }));
    expect(good.body).toEqual({ is_compatible: true });
    const bad = await post(`${path}?verbose=true`, withField({ name: 'x', type: 'int' }));
    expect(bad.body).toEqual({ is_compatible: false, messages: [expect.stringContaining('x')] });
    const all = await post(`/compatibility/subjects/${subject}/versions`, { schema });
    expect(all.body).toEqual({ is_compatible: true });
  });

  test('what is no schema is refused', async () => {
    for (const text of ['{', '"no such type"', '{"type":"record"}', 'null']) {
      const answer = await post(`/subjects/${subject}`, { schema: text });
      expect(answer, text).toMatchObject({ status: 422, body: { error_code: 42201 } });
    }
    expect(await post(`/subjects/${subject}`, {})).toMatchObject({ status: 422, body: { error_code: 422 } });
  });
});

describe('who asks', () => {
  const basic = (user: string, password: string) => ({
    authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
  });

  test('an API key is taken as the password of basic authentication here, and nowhere else', async () => {
    const nobody = bed.client(null);
    expect((await nobody('GET', '/subjects', undefined, basic('me', bed.operatorKey))).status).toBe(200);
    expect((await nobody('GET', '/v1/tenants', undefined, basic('me', bed.operatorKey))).status).toBe(401);
  });

  test('without a valid key there is nothing to see', async () => {
    const nobody = bed.client(null);
    for (const headers of [{}, basic('me', 'wrong'), basic(bed.operatorKey, ''), { authorization: 'Basic !' }]) {
      const answer = await nobody('GET', '/subjects', undefined, headers);
      expect(answer).toMatchObject({ status: 401, body: { error_code: 401 } });
      expect(answer.headers['www-authenticate']).toContain('Basic');
    }
  });
});

/** Confluent's own client for Python, which is built on the library that kcat is. */
const confluent = pythonWith({
  name: 'confluent-kafka-2.16.0',
  requirements: ['confluent-kafka[avro,schemaregistry]==2.16.0'],
  module: 'confluent_kafka.schema_registry.avro',
});

const readTopic = `
import json, sys
from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import SerializationContext, MessageField
brokers, url, key, topic, count = sys.argv[1:]
registry = SchemaRegistryClient({'url': url, 'basic.auth.user.info': 'me:' + key})
decode = AvroDeserializer(registry)
consumer = Consumer({'bootstrap.servers': brokers, 'group.id': 'python', 'auto.offset.reset': 'earliest'})
consumer.subscribe([topic])
for _ in range(int(count)):
    message = None
    while message is None or message.error():
        message = consumer.poll(1)
    headers = {name: value.decode() for name, value in message.headers()}
    data = decode(message.value(), SerializationContext(topic, MessageField.VALUE))
    print(json.dumps([headers['ce_type'], message.key().decode(), data]))
consumer.close()
`;

test("a consumer of somebody else's decodes a topic with the registry's address and a key", async () => {
  const kafka = await startKafka();
  const pool = createPool(bed.databaseUrl, { name: 'relay' });
  const source = openPostgresStoredEvents(pool);
  const logger = pino({ level: 'silent' });
  const relay = startRelay({
    kafka: clientOf(kafka),
    source,
    pool,
    settings: { partitions: 1, replication: 1 },
    logger,
  });
  try {
    const { body: tenant } = await bed.operator('POST', '/v1/tenants', { name: 'Wire' });
    await bed.operator('POST', `/v1/tenants/${tenant.id}/suspend`, { reason: 'unpaid' });
    const head = await bed.log.head();
    await until(() => relay.status().position >= head, 'everything is relayed');
    await bed.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = bed.app.server.address() as AddressInfo;
    const printed = await confluent(
      readTopic,
      kafka.brokers,
      `http://127.0.0.1:${port}`,
      bed.operatorKey,
      'miniredis.tenant.v1',
      '2',
    );
    const read = printed
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(read).toEqual([
      ['TenantCreated', `tenant-${tenant.id}`, { tenantId: tenant.id, name: expect.any(String), plan: 'standard' }],
      ['TenantSuspended', `tenant-${tenant.id}`, { tenantId: tenant.id, reason: 'unpaid' }],
    ]);
    // A name is personal, so it is ciphertext on the wire.
    expect(printed).not.toContain('Wire');
  } finally {
    await relay.stop();
    await source.close();
    await pool.end();
    await kafka.close();
  }
});
