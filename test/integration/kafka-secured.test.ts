/** Kafka with TLS by an authority of one's own and with a login, reached by the variables that operators set. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { parseSettings } from '#infra/config/config.ts';
import { openPostgresStoredEvents } from '#infra/event-log/postgres/stored.ts';
import { kafkaClient } from '#infra/kafka/client.ts';
import { startRelay } from '#workers/relay/relay.ts';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { appendsOf } from '../tools/histories.ts';
import { startKafka, withAdmin, type Kafka } from '../tools/kafka.ts';
import { appendAll, openReadSide, until } from '../tools/read-side.ts';

const run = promisify(execFile);
const logger = pino({ level: 'silent' });
const password = 'pa$$ word; 100%';

let folder: string;
let kafka: Kafka;

const inFolder = (name: string) => path.join(folder, name);

/** An authority, and a certificate of it for 127.0.0.1. */
async function makeCertificates(): Promise<void> {
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
  await openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=an authority');
  await openssl('req', ...newKey, '-keyout', 'broker.key', '-out', 'broker.csr', '-subj', '/CN=broker');
  await writeFile(inFolder('broker.ext'), 'subjectAltName=IP:127.0.0.1\n');
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'broker.ext'];
  await openssl('x509', '-req', '-in', 'broker.csr', ...signed, '-out', 'broker.crt');
  const parts = await Promise.all(['broker.key', 'broker.crt'].map((name) => readFile(inFolder(name), 'utf8')));
  await writeFile(inFolder('broker.pem'), parts.join(''));
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'miniredis-kafka-secured-'));
  await makeCertificates();
  const modules = 'org.apache.kafka.common.security';
  const users = `username="broker" password="b" user_broker="b" user_me="${password}"`;
  const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'];
  const login = (mechanism: string) => `listener.name.sasl_ssl.${mechanism.toLowerCase()}.sasl.jaas.config`;
  kafka = await startKafka(
    (port, controllerPort) => ({
      listeners: `SASL_SSL://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'listener.security.protocol.map': 'SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name': 'SASL_SSL',
      'sasl.mechanism.inter.broker.protocol': 'PLAIN',
      'sasl.enabled.mechanisms': ['PLAIN', ...scram].join(','),
      [login('PLAIN')]: `${modules}.plain.PlainLoginModule required ${users};`,
      ...Object.fromEntries(scram.map((one) => [login(one), `${modules}.scram.ScramLoginModule required;`])),
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': inFolder('broker.pem'),
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': inFolder('ca.pem'),
    }),
    scram.flatMap((one) => ['--add-scram', `${one}=[name=me,password="${password}"]`]),
  );
});
afterAll(async () => {
  await kafka?.close();
  await rm(folder, { recursive: true, force: true });
});

/** What the program makes of these variables. */
function settingsFrom(variables: Record<string, string>) {
  const parsed = parseSettings({ KAFKA_BROKERS: kafka.brokers, ...variables });
  if (!parsed.ok || parsed.settings.kafka === undefined) throw new Error(`not accepted: ${JSON.stringify(parsed)}`);
  return parsed.settings.kafka;
}

const tls = () => ({ KAFKA_SSL: 'true', KAFKA_SSL_CA_FILE: inFolder('ca.pem') });
const login = (mechanism: string, word = password) => ({
  KAFKA_SASL_MECHANISM: mechanism,
  KAFKA_SASL_USERNAME: 'me',
  KAFKA_SASL_PASSWORD: word,
});

test.each(['plain', 'scram-sha-256', 'scram-sha-512'])('a login by %s is let in', async (mechanism) => {
  const client = kafkaClient(settingsFrom({ ...tls(), ...login(mechanism) }), 'test', logger);
  expect(await withAdmin(client, (admin) => admin.listTopics())).toBeInstanceOf(Array);
});

test('events are relayed by such a way, and a relay that is not let in says why and goes on trying', async () => {
  const side = await openReadSide();
  const source = openPostgresStoredEvents(side.pool);
  const relayWith = (variables: Record<string, string>) => {
    const settings = settingsFrom(variables);
    return startRelay({ kafka: kafkaClient(settings, 'test', logger), source, pool: side.pool, settings, logger });
  };
  try {
    await appendAll(side.log, appendsOf([{ verb: 'createTenant', tenant: 1, thing: 1, amount: 1 }]));
    const refused = [
      [{ ...tls(), ...login('scram-sha-512', 'wrong') }, /[Aa]uthentication failed/],
      [{ ...tls(), ...login('plain', 'wrong') }, /[Aa]uthentication failed/],
      [{ KAFKA_SSL: 'true', ...login('plain') }, /self-signed certificate|unable to verify/],
      [tls(), /./],
      [{}, /./],
    ] as const;
    for (const [variables, why] of refused) {
      const relay = relayWith(variables);
      await until(() => relay.status().problem !== null, 'the relay has a problem', 60_000);
      expect(relay.status()).toMatchObject({ active: true, problem: expect.stringMatching(why) });
      await relay.stop();
    }
    const head = await side.log.head();
    const relay = relayWith({ ...tls(), ...login('scram-sha-512') });
    await until(() => relay.status().position >= head, 'everything is relayed', 60_000);
    await relay.stop();
  } finally {
    await source.close();
    await side.close();
  }
});
