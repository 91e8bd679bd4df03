import { describe, expect, test } from 'vitest';

import { parseSettings, toEnvironment, withAddresses } from './config.ts';
import { describeVariables } from './help.ts';

function settings(env: NodeJS.ProcessEnv) {
  const parsed = parseSettings(env);
  if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
  return parsed.settings;
}

function problems(env: NodeJS.ProcessEnv): readonly string[] {
  const parsed = parseSettings(env);
  return parsed.ok ? [] : parsed.problems;
}

describe('defaults', () => {
  test('an empty environment is a whole configuration', () => {
    const { home, gatewayPort, respPort, bindHost, databaseUrl, objectStoreUrl, rolePorts } = settings({});
    expect({ gatewayPort, respPort, bindHost, databaseUrl }).toEqual({
      gatewayPort: 8080,
      respPort: 6001,
      bindHost: '127.0.0.1',
      databaseUrl: undefined,
    });
    expect(home).toBe(`${process.cwd()}/.miniredis`);
    expect(objectStoreUrl).toBe(`file://${home}/objects`);
    expect(rolePorts).toMatchObject({ gateway: 8080, auth: 8000, backend: 5500, 'node-manager': 7000, relay: 9600 });
  });

  test('an empty or blank variable counts as unset', () => {
    expect(settings({ GATEWAY_PORT: '', RESP_PORT: ' ', DATABASE_URL: '' })).toEqual(settings({}));
  });

  test('nothing in it can be changed', () => {
    const frozen = settings({});
    expect(Object.isFrozen(frozen)).toBe(true);
    expect(Object.isFrozen(frozen.redisPorts)).toBe(true);
  });
});

test('Kafka is there when it has brokers', () => {
  expect(settings({}).kafka).toBeUndefined();
  expect(settings({ KAFKA_BROKERS: 'a:9092, b:9092,' }).kafka).toEqual({
    brokers: ['a:9092', 'b:9092'],
    partitions: 3,
    replication: 0,
    ssl: false,
    sslCaFile: undefined,
    sasl: undefined,
  });
  const login = { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'me', KAFKA_SASL_PASSWORD: 'p' };
  expect(settings({ KAFKA_BROKERS: 'a:9092', KAFKA_SSL: 'true', ...login }).kafka).toMatchObject({
    ssl: true,
    sasl: { mechanism: 'plain', username: 'me', password: 'p' },
  });
});

describe('bad values', () => {
  test.each([
    ['GATEWAY_PORT', 'http', 'GATEWAY_PORT "http" is not a port (1 to 65535)'],
    ['GATEWAY_PORT', '0', 'GATEWAY_PORT "0" is not a port (1 to 65535)'],
    ['RESP_PORT', '65536', 'RESP_PORT "65536" is not a port (1 to 65535)'],
    ['RESP_PORT', '60.5', 'RESP_PORT "60.5" is not a port (1 to 65535)'],
    ['POSTGRES_PORT', '-1', 'POSTGRES_PORT "-1" is not a port, or 0 to have one chosen (0 to 65535)'],
    ['LOG_LEVEL', 'loud', 'LOG_LEVEL "loud" is not one of fatal, error, warn, info, debug, trace'],
    ['TEMPORAL_ADDRESS', 'http://x:7233', 'TEMPORAL_ADDRESS "http://x:7233" is not <host>:<port>'],
    ['NODE_MEMORY_OVERCOMMIT', '0', 'NODE_MEMORY_OVERCOMMIT "0" is not a factor (0.1 to 100)'],
    ['OBJECT_STORE_URL', '/var/backups', 'OBJECT_STORE_URL "/var/backups" is not a directory of the form file:///path'],
    ['BIND_HOST', 'all of them', 'BIND_HOST "all of them" is not a host name or an address'],
  ])('%s=%s', (name, value, sentence) => {
    expect(problems({ [name]: value })).toEqual([sentence]);
  });

  test('every bad variable is named at once', () => {
    expect(problems({ GATEWAY_PORT: 'x', RESP_PORT: 'y', LOG_LEVEL: 'z' })).toHaveLength(3);
  });

  test.each([
    ['DATABASE_URL', 'mysql://me:hunter2@db/x'],
    ['EVENTSTORE_URL', 'http://me:hunter2@db:2113'],
  ])('a password in a bad connection string (%s) is not repeated', (name, value) => {
    const [sentence] = problems({ [name]: value });
    expect(sentence).toMatch(new RegExp(`^${name} is not a connection string`));
    expect(sentence).not.toContain('hunter2');
  });

  test('two servers cannot have one port, and a range cannot end before it starts', () => {
    expect(problems({ GATEWAY_PORT: '7000', RESP_PORT: '7000' })).toEqual([
      'RESP_PORT "7000" is the port that GATEWAY_PORT has already',
    ]);
    expect(problems({ REDIS_PORT_START: '7000', REDIS_PORT_END: '6000' })).toEqual([
      'REDIS_PORT_START 7000 lies after REDIS_PORT_END 6000',
    ]);
  });

  test.each(['REDIS_URL'])('%s is refused until it does something', (name) => {
    expect(problems({ [name]: 'kurrent.example:2113' })).toEqual([
      expect.stringContaining(`${name} is not available yet`),
    ]);
  });

  test.each([
    [{ KAFKA_BROKERS: 'a:1,b' }, 'KAFKA_BROKERS "a:1,b" is not a list of <host>:<port>'],
    [{ KAFKA_SASL_USERNAME: 'me' }, 'KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD take KAFKA_SASL_MECHANISM'],
    [
      { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'me' },
      'KAFKA_SASL_MECHANISM "plain" takes KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
    ],
    [{ STREAM_TRANSPORT: 'kafka' }, 'STREAM_TRANSPORT "kafka" takes KAFKA_BROKERS'],
    [{ KAFKA_SSL_CA_FILE: '/ca.pem' }, 'KAFKA_SSL_CA_FILE takes KAFKA_SSL "true"'],
  ])('what only helps together is asked for together: %o', (env, sentence) => {
    expect(problems(env)).toEqual([sentence]);
  });

  test('S3 is refused until it is there', () => {
    expect(problems({ OBJECT_STORE_URL: 's3://bucket' })).toEqual([expect.stringContaining('not available yet')]);
  });
});

test('a child that gets the environment has the same configuration, in any working directory', () => {
  const env = { MINIREDIS_HOME: 'somewhere', GATEWAY_PORT: '18080', POSTGRES_PORT: '0' };
  const config = withAddresses(settings(env), 'postgres://u:p@127.0.0.1:5432/miniredis', '127.0.0.1:7233');
  const here = process.cwd();
  try {
    process.chdir('/');
    expect(settings({ ...env, ...toEnvironment(config) })).toEqual(config);
  } finally {
    process.chdir(here);
  }
});

test('help names every variable with its default', () => {
  expect(describeVariables()).toMatch(/GATEWAY_PORT\s+Port of the HTTP interface \(8080\)/);
});
