import { availableParallelism, totalmem } from 'node:os';

import { z } from 'zod';

/** One environment variable: its default as text, what it means (shown by `--help`), and what it may hold. */
interface Variable<Schema extends z.ZodType> {
  readonly default: string;
  readonly meaning: string;
  readonly schema: Schema;
  /** True where the value may hold a password, so that no message repeats it. */
  readonly secret: boolean;
}

function variable<Schema extends z.ZodType>(initial: string, meaning: string, schema: Schema): Variable<Schema> {
  return { default: initial, meaning, schema, secret: false };
}

function secretVariable<Schema extends z.ZodType>(meaning: string, schema: Schema): Variable<Schema> {
  return { default: '', meaning, schema, secret: true };
}

const wholeNumber = /^\d{1,9}$/;

function between(low: number, high: number, what: string) {
  const message = `is not ${what} (${low} to ${high})`;
  return z
    .string()
    .regex(wholeNumber, message)
    .transform(Number)
    .refine((value) => value >= low && value <= high, message);
}

const port = between(1, 65_535, 'a port');
const portOrChosen = between(0, 65_535, 'a port, or 0 to have one chosen');

const host = z.string().regex(/^[A-Za-z0-9._:-]+$/, 'is not a host name or an address');

const hostAndPort = z.string().regex(/^[A-Za-z0-9._-]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/, 'is not <host>:<port>');

const brokerList = z
  .string()
  .transform((text) => text.split(',').flatMap((broker) => broker.trim() || []))
  .refine(
    (brokers) => brokers.every((broker) => hostAndPort.safeParse(broker).success),
    'is not a list of <host>:<port>',
  );

const word = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'may hold letters, digits, dot, dash and underscore only');

const postgresUrl = z
  .string()
  .refine(
    (text) =>
      URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol) && new URL(text).pathname.length > 1,
    'is not a connection string of the form postgres://user:password@host:port/database',
  );

const eventStoreUrl = z
  .string()
  .regex(
    /^esdb(\+discover)?:\/\/[^\s/?#]+\/?(\?\S*)?$/,
    'is not a connection string of the form esdb://user:password@host:2113, with ?tls=false where the server has no TLS',
  );

const directoryUrl = z
  .string()
  .refine(
    (text) => !text.startsWith('s3:'),
    'names an S3 bucket, which is not available yet: leave it unset for a directory',
  )
  .refine(
    (text) => URL.canParse(text) && new URL(text).protocol === 'file:' && new URL(text).host === '',
    'is not a directory of the form file:///path',
  );

/** An adapter of the design that is not built: setting its variable is refused, never accepted and ignored. */
function notYet(instead: string) {
  return z.string().refine((text) => text === '', `is not available yet: leave it unset, and ${instead}`);
}

function optional<Schema extends z.ZodType>(schema: Schema) {
  return z.union([z.literal('').transform(() => undefined), schema], {
    error: (issue) => (issue.code === 'invalid_union' ? issue.errors.at(-1)?.[0]?.message : undefined),
  });
}

/** Half of the machine, and no more than a JavaScript heap takes without trouble. */
const memoryBudget_mb = Math.min(4096, Math.floor(totalmem() / 2 ** 21));

/** Every environment variable of the platform: the one table behind parsing, `--help` and the documentation. */
export const variables = {
  MINIREDIS_HOME: variable('./.miniredis', 'Folder that holds everything this platform keeps', z.string()),
  GATEWAY_PORT: variable('8080', 'Port of the HTTP interface', port),
  RESP_PORT: variable('6001', 'Port that Redis clients of all nodes connect to', port),
  PUBLIC_HOST: variable('127.0.0.1', 'Host name that endpoints show to clients', host),
  BIND_HOST: variable('127.0.0.1', 'Address that servers listen on; 0.0.0.0 opens them to the network', host),
  REDIS_PORT_START: variable('6002', 'First port for nodes that get a port of their own', port),
  REDIS_PORT_END: variable('6999', 'Last port for nodes that get a port of their own', port),
  DATABASE_URL: secretVariable('PostgreSQL to use; unset: one is run in the home', optional(postgresUrl)),
  POSTGRES_PORT: variable('0', 'Port of the PostgreSQL run in the home; 0: chosen free, then kept', portOrChosen),
  TEMPORAL_ADDRESS: variable('', 'Temporal front end to use, host:port; unset: one is run here', optional(hostAndPort)),
  TEMPORAL_PORT: variable('0', 'Port of the Temporal run here; 0: chosen free, then kept', portOrChosen),
  TEMPORAL_NAMESPACE: variable('miniredis', 'Temporal namespace of the workflows', word),
  OBJECT_STORE_URL: variable(
    '',
    'Where backups go, file:///path; unset: a directory in the home',
    optional(directoryUrl),
  ),
  MASTER_KEY_FILE: variable(
    '',
    'File of the key that wraps all keys; unset: one in the home, made on first start',
    z.string(),
  ),
  MASTER_KEY: secretVariable(
    'The master key itself, 64 hexadecimal digits, instead of a file',
    optional(z.string().regex(/^[0-9a-f]{64}$/, 'is not 64 hexadecimal digits')),
  ),
  MANAGER_ID: variable(
    'manager-1',
    'Name of the node manager, the same at every start: its nodes are its own by it',
    z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'may hold lower-case letters, digits and dashes, at most 63'),
  ),
  ENGINE_PROCESSES: variable(
    String(availableParallelism()),
    'Processes over which a node manager spreads its nodes; the default is one a core',
    between(1, 256, 'a number of processes'),
  ),
  NODE_UNLOAD_AFTER_S: variable(
    '600',
    'Seconds without a connection after which a node is kept on the disk alone until somebody comes; 0: never',
    between(0, 31_536_000, 'a number of seconds'),
  ),
  NODE_COMMANDS_PER_SECOND: variable(
    '2000000',
    'Commands a second that any node may carry out, whatever its plan, before its clients are kept waiting; 0: no limit',
    between(0, 100_000_000, 'a number of commands'),
  ),
  NODE_MEGABYTES_PER_SECOND: variable(
    '4000',
    'Megabytes a second that any node may read and write, whatever its plan, before its clients are kept waiting; 0: no limit',
    between(0, 100_000, 'a number of megabytes'),
  ),
  NODE_MEMORY_BUDGET_MB: variable(
    String(memoryBudget_mb),
    'Memory that a node manager has for its nodes; the default is half the machine, at most 4096',
    between(1, 16_000_000, 'a number of megabytes'),
  ),
  NODE_MEMORY_OVERCOMMIT: variable(
    '16',
    'How many times that memory may be promised to nodes: most stay far below their limits, and together they never get more',
    z
      .string()
      .regex(/^\d{1,3}(\.\d{1,3})?$/, 'is not a factor (0.1 to 100)')
      .transform(Number)
      .refine((value) => value >= 0.1 && value <= 100, 'is not a factor (0.1 to 100)'),
  ),
  LOG_ARCHIVE_AFTER_DAYS: variable(
    '0',
    'Days after which closed streams of the event log move to the object store; 0: never',
    between(0, 36_500, 'a number of days'),
  ),
  LOG_LEVEL: variable(
    'info',
    'fatal, error, warn, info, debug or trace',
    z.enum(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace'],
      'is not one of fatal, error, warn, info, debug, trace',
    ),
  ),
  RATE_LIMIT_PER_KEY: variable(
    '2000',
    'Requests a second that one API key may make',
    between(1, 1_000_000, 'a number of requests'),
  ),
  RATE_LIMIT_FAILURES: variable(
    '200',
    'Attempts a minute that one address may make with missing or wrong credentials',
    between(1, 1_000_000, 'a number of attempts'),
  ),
  AUTH_PORT: variable('8000', 'Port of /livez and /readyz when the role runs apart', port),
  BACKEND_PORT: variable('5500', 'The same for the role backend', port),
  NODE_MANAGER_PORT: variable('7000', 'The same for the role node-manager', port),
  MONITORING_PORT: variable('9000', 'The same for the role monitoring', port),
  PUBSUB_PORT: variable('9100', 'The same for the role pubsub', port),
  BACKUP_PORT: variable('9200', 'The same for the role backup', port),
  SCHEDULER_PORT: variable('9300', 'The same for the role scheduler', port),
  ALERT_PORT: variable('9400', 'The same for the role alert', port),
  AUDIT_PORT: variable('9500', 'The same for the role audit', port),
  RELAY_PORT: variable('9600', 'The same for the role relay', port),
  EVENTSTORE_URL: secretVariable(
    'EventStoreDB or KurrentDB that holds the event log, esdb://user:password@host:2113; unset: PostgreSQL does',
    optional(eventStoreUrl),
  ),
  KAFKA_BROKERS: variable('', 'Kafka to relay events to, host:port with commas between; unset: none', brokerList),
  KAFKA_PARTITIONS: variable(
    '3',
    'Partitions of the topics that the relay creates; those there are keep theirs',
    between(1, 10_000, 'a number of partitions'),
  ),
  KAFKA_REPLICATION: variable(
    '0',
    'Copies that Kafka keeps of them; 0: as many as its brokers do by default',
    between(0, 100, 'a number of copies'),
  ),
  KAFKA_SSL: variable('false', 'true: speak TLS to Kafka', z.enum(['true', 'false'], 'is not true or false')),
  KAFKA_SSL_CA_FILE: variable(
    '',
    "PEM file of who signed the brokers' certificates; unset: whom Node trusts",
    z.string(),
  ),
  KAFKA_SASL_MECHANISM: variable(
    '',
    'How to log in to Kafka: plain, scram-sha-256 or scram-sha-512; unset: not at all',
    optional(z.enum(['plain', 'scram-sha-256', 'scram-sha-512'], 'is not one of plain, scram-sha-256, scram-sha-512')),
  ),
  KAFKA_SASL_USERNAME: variable('', 'The name to log in to Kafka with', z.string()),
  KAFKA_SASL_PASSWORD: secretVariable('The password to log in to Kafka with', z.string()),
  STREAM_TRANSPORT: variable(
    'postgres',
    'Where read models, reactions and node managers get events from: postgres, or kafka',
    z.enum(['postgres', 'kafka'], 'is not one of postgres, kafka'),
  ),
  REDIS_URL: secretVariable('Redis as platform cache (not available yet)', notYet('the platform does without')),
} as const;

/** What the variables hold once parsed. */
export type Values = { readonly [Name in keyof typeof variables]: z.output<(typeof variables)[Name]['schema']> };
