import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { type Values, variables } from './variables.ts';

/** The platform's configuration as the environment gives it, before the servers it runs itself have an address. */
export interface Settings {
  /** Absolute path. */
  readonly home: string;
  readonly gatewayPort: number;
  readonly respPort: number;
  readonly publicHost: string;
  readonly bindHost: string;
  readonly redisPorts: { readonly start: number; readonly end: number };
  readonly databaseUrl: string | undefined;
  /** Undefined: the log is in PostgreSQL. */
  readonly eventStoreUrl: string | undefined;
  /** 0: to be chosen. */
  readonly postgresPort: number;
  readonly temporalAddress: string | undefined;
  /** 0: to be chosen. */
  readonly temporalPort: number;
  readonly temporalNamespace: string;
  /** A `file:` URL of a directory. */
  readonly objectStoreUrl: string;
  /** Absolute path. */
  readonly masterKeyFile: string;
  /** The key itself, where it does not lie in a file. */
  readonly masterKey: string | undefined;
  readonly managerId: string;
  /** What one node may do in a second; 0: no limit. */
  readonly nodeRates: { readonly commandsPerSecond: number; readonly bytesPerSecond: number };
  /** Processes of a node manager that host nodes. */
  readonly engineProcesses: number;
  /** 0: never. */
  readonly nodeUnloadAfter_s: number;
  readonly nodeMemory: { readonly budget_mb: number; readonly overcommit: number };
  /** What one API key and one address may do before they are told to wait. */
  readonly rateLimits: { readonly requestsPerKey_perSecond: number; readonly failuresPerAddress_perMinute: number };
  /** How long streams have been closed when they go to the archive; 0: never. */
  readonly logArchiveAfter_days: number;
  /** Undefined: nothing is relayed. */
  readonly kafka: KafkaSettings | undefined;
  /** Where roles that follow the log get its events from; `kafka` only where there is Kafka. */
  readonly streamTransport: Values['STREAM_TRANSPORT'];
  readonly logLevel: Values['LOG_LEVEL'];
  /** Ports of `/livez` and `/readyz` of roles that run apart, by the role's name. */
  readonly rolePorts: Readonly<Record<string, number>>;
}

/** How to reach Kafka, and what the topics made there are like. */
export interface KafkaSettings {
  /** At least one, `host:port`. */
  readonly brokers: readonly string[];
  readonly partitions: number;
  /** 0: as the brokers do by default. */
  readonly replication: number;
  readonly ssl: boolean;
  /** Absolute path of a PEM file. */
  readonly sslCaFile: string | undefined;
  readonly sasl:
    | { readonly mechanism: SaslMechanism; readonly username: string; readonly password: string }
    | undefined;
}

type SaslMechanism = NonNullable<Values['KAFKA_SASL_MECHANISM']>;

/** What a role is started with: everything that it needs has an address. */
export interface Config extends Settings {
  readonly databaseUrl: string;
  /** Empty where a role runs apart that has no use for it. */
  readonly temporalAddress: string;
}

/** The settings, or one sentence for each variable that is wrong. */
export type ParsedSettings =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads the environment; an empty variable counts as unset. Nothing is looked up or created. */
export function parseSettings(env: NodeJS.ProcessEnv): ParsedSettings {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, { schema, default: initial, secret }] of Object.entries(variables)) {
    const text = env[name]?.trim() || initial;
    const result = schema.safeParse(text);
    if (result.success) values[name] = result.data;
    else problems.push(`${name} ${secret ? '' : `"${text}" `}${result.error.issues[0]?.message ?? 'is not valid'}`);
  }
  if (problems.length > 0) return { ok: false, problems };
  const parsed = values as Values;
  const clashes = [...portClashes(parsed), ...kafkaGaps(parsed)];
  return clashes.length > 0 ? { ok: false, problems: clashes } : { ok: true, settings: toSettings(parsed) };
}

function portClashes(values: Values): string[] {
  const problems: string[] = [];
  if (values.REDIS_PORT_START > values.REDIS_PORT_END) {
    problems.push(`REDIS_PORT_START ${values.REDIS_PORT_START} lies after REDIS_PORT_END ${values.REDIS_PORT_END}`);
  }
  const taken = new Map<number, string>();
  for (const name of ['GATEWAY_PORT', 'RESP_PORT', 'POSTGRES_PORT', 'TEMPORAL_PORT'] as const) {
    const port = values[name];
    const other = taken.get(port);
    if (port !== 0 && other !== undefined) problems.push(`${name} "${port}" is the port that ${other} has already`);
    taken.set(port, name);
  }
  return problems;
}

function kafkaGaps(values: Values): string[] {
  const problems: string[] = [];
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = values;
  if (mechanism !== undefined && (username === '' || password === '')) {
    problems.push(`KAFKA_SASL_MECHANISM "${mechanism}" takes KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD`);
  }
  if (mechanism === undefined && (username !== '' || password !== '')) {
    problems.push('KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD take KAFKA_SASL_MECHANISM');
  }
  if (values.STREAM_TRANSPORT === 'kafka' && values.KAFKA_BROKERS.length === 0) {
    problems.push('STREAM_TRANSPORT "kafka" takes KAFKA_BROKERS');
  }
  if (values.KAFKA_SSL === 'false' && values.KAFKA_SSL_CA_FILE !== '') {
    problems.push('KAFKA_SSL_CA_FILE takes KAFKA_SSL "true"');
  }
  return problems;
}

function kafkaSettings(values: Values): KafkaSettings | undefined {
  const { KAFKA_BROKERS: brokers, KAFKA_SASL_MECHANISM: mechanism, KAFKA_SSL_CA_FILE: caFile } = values;
  if (brokers.length === 0) return undefined;
  return {
    brokers,
    partitions: values.KAFKA_PARTITIONS,
    replication: values.KAFKA_REPLICATION,
    ssl: values.KAFKA_SSL === 'true',
    sslCaFile: caFile === '' ? undefined : path.resolve(caFile),
    sasl:
      mechanism === undefined
        ? undefined
        : { mechanism, username: values.KAFKA_SASL_USERNAME, password: values.KAFKA_SASL_PASSWORD },
  };
}

function toSettings(values: Values): Settings {
  const home = path.resolve(values.MINIREDIS_HOME);
  return deepFreeze({
    home,
    gatewayPort: values.GATEWAY_PORT,
    respPort: values.RESP_PORT,
    publicHost: values.PUBLIC_HOST,
    bindHost: values.BIND_HOST,
    redisPorts: { start: values.REDIS_PORT_START, end: values.REDIS_PORT_END },
    databaseUrl: values.DATABASE_URL,
    eventStoreUrl: values.EVENTSTORE_URL,
    postgresPort: values.POSTGRES_PORT,
    temporalAddress: values.TEMPORAL_ADDRESS,
    temporalPort: values.TEMPORAL_PORT,
    temporalNamespace: values.TEMPORAL_NAMESPACE,
    objectStoreUrl: values.OBJECT_STORE_URL ?? pathToFileURL(path.join(home, 'objects')).href,
    masterKeyFile: values.MASTER_KEY_FILE === '' ? path.join(home, 'master.key') : path.resolve(values.MASTER_KEY_FILE),
    masterKey: values.MASTER_KEY,
    managerId: values.MANAGER_ID,
    nodeRates: {
      commandsPerSecond: values.NODE_COMMANDS_PER_SECOND,
      bytesPerSecond: values.NODE_MEGABYTES_PER_SECOND * 2 ** 20,
    },
    engineProcesses: values.ENGINE_PROCESSES,
    nodeUnloadAfter_s: values.NODE_UNLOAD_AFTER_S,
    nodeMemory: { budget_mb: values.NODE_MEMORY_BUDGET_MB, overcommit: values.NODE_MEMORY_OVERCOMMIT },
    rateLimits: {
      requestsPerKey_perSecond: values.RATE_LIMIT_PER_KEY,
      failuresPerAddress_perMinute: values.RATE_LIMIT_FAILURES,
    },
    logArchiveAfter_days: values.LOG_ARCHIVE_AFTER_DAYS,
    kafka: kafkaSettings(values),
    streamTransport: values.STREAM_TRANSPORT,
    logLevel: values.LOG_LEVEL,
    rolePorts: {
      gateway: values.GATEWAY_PORT,
      auth: values.AUTH_PORT,
      backend: values.BACKEND_PORT,
      'node-manager': values.NODE_MANAGER_PORT,
      monitoring: values.MONITORING_PORT,
      pubsub: values.PUBSUB_PORT,
      backup: values.BACKUP_PORT,
      scheduler: values.SCHEDULER_PORT,
      alert: values.ALERT_PORT,
      audit: values.AUDIT_PORT,
      relay: values.RELAY_PORT,
    },
  });
}

/** The configuration of roles, once the database and Temporal have addresses. */
export function withAddresses(settings: Settings, databaseUrl: string, temporalAddress: string): Config {
  return Object.freeze({ ...settings, databaseUrl, temporalAddress });
}

/** The environment that gives a child process the same configuration, whatever its own working directory. */
export function toEnvironment(config: Config): Record<string, string> {
  return {
    MINIREDIS_HOME: config.home,
    DATABASE_URL: config.databaseUrl,
    TEMPORAL_ADDRESS: config.temporalAddress,
    OBJECT_STORE_URL: config.objectStoreUrl,
    MASTER_KEY_FILE: config.masterKeyFile,
    ...(config.masterKey !== undefined && { MASTER_KEY: config.masterKey }),
    ENGINE_PROCESSES: String(config.engineProcesses),
    ...(config.kafka?.sslCaFile !== undefined && { KAFKA_SSL_CA_FILE: config.kafka.sslCaFile }),
  };
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part);
  return Object.freeze(value);
}
