import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import type { KafkaSettings } from '#infra/config/config.ts';
import { kafkaClient } from '#infra/kafka/client.ts';
import { freePort } from '#infra/local/free-port.ts';
import type { Admin, Kafka as Client } from 'kafkajs';
import { pino } from 'pino';

const run = promisify(execFile);
const version = '4.1.0';
const cache = join(import.meta.dirname, `../../node_modules/.cache/miniredis/kafka-${version}`);

/** All that Maven needs to know to bring a whole broker. */
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>miniredis</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${version}</version>
  </dependency></dependencies>
</project>
`;

/** A real Kafka broker of a test's own, in KRaft mode, on loopback. */
export interface Kafka {
  /** For `KAFKA_BROKERS`. */
  readonly brokers: string;
  /** Ends the broker, by default in an orderly way; SIGKILL is a crash, SIGSTOP a stall. Its port and data stay. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Starts it again on the same port with the same data. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  close(): Promise<void>;
}

/** How the program is told of a broker; topics that it makes there have three partitions. */
export function settingsOf({ brokers }: Pick<Kafka, 'brokers'>): KafkaSettings {
  return { brokers: [brokers], partitions: 3, replication: 1, ssl: false, sslCaFile: undefined, sasl: undefined };
}

/** A client as the program has it. */
export function clientOf(kafka: Pick<Kafka, 'brokers'>): Client {
  return kafkaClient(settingsOf(kafka), 'test', pino({ level: 'silent' }));
}

/** What an administrator does, with a connection for this one time. */
export async function withAdmin<Result>(client: Client, work: (admin: Admin) => Promise<Result>): Promise<Result> {
  const admin = client.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Deletes these topics, by default all that the program makes; they are gone then, so that another log can be relayed. */
export async function deleteTopics(client: Client, isOne = (name: string) => name.startsWith('miniredis.')) {
  await withAdmin(client, async (admin) => {
    const names = async () => (await admin.listTopics()).filter(isOne);
    const topics = await names();
    if (topics.length > 0) await admin.deleteTopics({ topics });
    while ((await names()).length > 0) await sleep(20);
  });
}

/** What differs from a plain broker: lines for `server.properties` that replace those of the same name. */
export type Properties = Readonly<Record<string, string>>;

let fetched: Promise<string> | undefined;

/**
 * Starts a broker on a free port, with a folder of its own. It takes some five seconds, and Java and Maven: the first use fetches
 * Kafka from Maven Central into node_modules/.cache. The broker ends with this process, however that ends. `format` is told to the tool
 * that makes the folder, such as users to begin with.
 */
export async function startKafka(
  properties: (port: number, controllerPort: number) => Properties = () => ({}),
  format: readonly string[] = [],
): Promise<Kafka> {
  fetched ??= fetchKafka();
  const classPath = join(await fetched, '*');
  const folder = await mkdtemp(join(tmpdir(), 'miniredis-kafka-'));
  const [port, controllerPort] = [await freePort(), await freePort()];
  const file = join(folder, 'server.properties');
  const lines = { ...plainProperties(folder, port, controllerPort), ...properties(port, controllerPort) };
  await writeFile(
    file,
    Object.entries(lines)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  // Whatever Kafka prints goes to its log; a broker that does not start says why there.
  const java = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classPath];
  await run('java', [...java, 'kafka.tools.StorageTool', 'format', '-t', randomUUID(), '-c', file, ...format]);

  let broker: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    broker = launch(['java', ...java, 'kafka.Kafka', file], join(folder, 'broker.log'));
    await accepting(port, broker, join(folder, 'broker.log'));
  };
  const stop = async (signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> => {
    if (broker === undefined) return;
    const ended = exited(broker);
    broker.kill(signal);
    await ended;
    broker = undefined;
  };
  await start();
  return {
    brokers: `127.0.0.1:${port}`,
    start,
    stop,
    async close() {
      await stop('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function plainProperties(folder: string, port: number, controllerPort: number): Properties {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // One that comes back is let in as soon as its earlier life counts as over.
    'controlled.shutdown.enable': 'false',
    'broker.session.timeout.ms': '1500',
    'broker.heartbeat.interval.ms': '300',
  };
}

/**
 * Runs a program under this process's life: the pipe on descriptor 3 closes when this process is gone, even killed, and that
 * ends the program, too.
 */
function launch([program = '', ...args]: readonly string[], logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  const bound = '{ cat <&3; kill -s KILL $$; } >/dev/null 2>&1 & exec "$@" 3<&-';
  const child = spawn('sh', ['-c', bound, 'sh', program, ...args], { stdio: ['ignore', log, log, 'pipe'] });
  closeSync(log);
  child.once('exit', () => child.stdio[3]?.destroy());
  return child;
}

function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

/** The listener opens last, so whoever is let in finds a broker that works. */
async function accepting(port: number, broker: ChildProcess, logFile: string): Promise<void> {
  while (!(await connects(port))) {
    if (broker.exitCode !== null) {
      throw new Error(`Kafka did not start:\n${(await readFile(logFile, 'utf8')).slice(-2000)}`);
    }
    await sleep(50);
  }
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (result: boolean) => () => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', end(true));
    socket.once('error', end(false));
  });
}

/** The folder of Kafka's jars; fetched beside it and moved in, so that runs at the same time do not disturb each other. */
async function fetchKafka(): Promise<string> {
  if (existsSync(cache)) return cache;
  await mkdir(join(cache, '..'), { recursive: true });
  const work = await mkdtemp(`${cache}-`);
  try {
    await writeFile(join(work, 'pom.xml'), pom);
    await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${join(work, 'lib')}`], {
      cwd: work,
    });
    await rename(join(work, 'lib'), cache).catch((error: unknown) => {
      if (!existsSync(cache)) throw error;
    });
    return cache;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Kafka could not be fetched (${reason}). Tests of the wire take Java 17 or newer and Maven: install them (for example "apt-get install default-jre-headless maven") and run again.`,
      { cause: error },
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
