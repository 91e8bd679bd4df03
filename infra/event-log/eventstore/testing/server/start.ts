/**
 * A double of EventStoreDB, for tests: the real server can't be had where the tests run (its binaries are not in any package
 * registry), so this one stands in. Its services are the client's own definitions (`*_grpc_pb` inside `@eventstore/db-client`),
 * served over real gRPC, with or without TLS and users; what it answers follows the real server's source. With `EVENTSTORE_URL`
 * set, the same tests run against a real server instead.
 *
 * What it leaves out: clusters (it is always its own leader), scavenging, projections, links, and storing anything on a disk.
 */
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import gossipService from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import persistentService from '@eventstore/db-client/generated/persistent_grpc_pb.js';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import featuresService from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import streamsService from '@eventstore/db-client/generated/streams_grpc_pb.js';
import {
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';

import { append, batchAppend, softDelete, tombstone } from './appends.ts';
import type { Fate, Rpc, Surroundings } from './calls.ts';
import { openJournal, type Journal } from './journal.ts';
import { openGroups } from './persistent.ts';
import { read } from './reads.ts';

export interface TestServerOptions {
  /** PEM of the certificate and its key; without it the server is insecure. */
  readonly tls?: { readonly certificate: Buffer; readonly key: Buffer };
  /** Names and passwords of users; only together with `tls`, since the client sends none otherwise. */
  readonly users?: Readonly<Record<string, string>>;
  /** False: the server says that it has no `BatchAppend`, as versions before 21.10. */
  readonly batchAppend?: boolean;
  readonly port?: number;
  /** An earlier server's journal, to come back with what it held. */
  readonly journal?: Journal;
  readonly now?: () => Date;
}

export interface TestServer {
  readonly port: number;
  /** For `EVENTSTORE_URL`; insecure unless TLS was asked for. */
  readonly url: string;
  readonly journal: Journal;
  /** Decides over every call that reads or writes from now on. */
  meddle(decide: (rpc: Rpc) => Fate): void;
  /** Ends at once, cutting all calls. */
  close(): Promise<void>;
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const journal = options.journal ?? openJournal(options.now);
  const users = options.users === undefined ? null : new Map(Object.entries(options.users));
  const surroundings: Surroundings = { meddle: () => 'serve', users };
  const server = new Server({ 'grpc.max_receive_message_length': 17 * 1024 * 1024 });
  let port = 0;

  const withBatches = options.batchAppend !== false;
  const served: readonly (readonly [ServiceDefinition, UntypedServiceImplementation])[] = [
    [
      streamsService.StreamsService,
      {
        read: read(journal, surroundings),
        append: append(journal, surroundings),
        delete: softDelete(journal, surroundings),
        tombstone: tombstone(journal, surroundings),
        ...(withBatches ? { batchAppend: batchAppend(journal, surroundings) } : {}),
      },
    ],
    [persistentService.PersistentSubscriptionsService, openGroups(journal, surroundings)],
    [
      featuresService.ServerFeaturesService,
      { getSupportedMethods: (_call: unknown, reply: sendUnaryData<unknown>) => reply(null, supported()) },
    ],
    [
      gossipService.GossipService,
      { read: (_call: unknown, reply: sendUnaryData<unknown>) => reply(null, members(port)) },
    ],
  ];
  for (const [definition, implementation] of served) server.addService(definition, implementation);

  function supported() {
    const methods = served.flatMap(([definition, implementation]) =>
      Object.entries(definition).flatMap(([name, { path }]) => {
        const [, service = '', method = ''] = path.split('/');
        if (!(name in implementation)) return [];
        const supportedMethod = new features.SupportedMethod().setServiceName(service.toLowerCase());
        // What a method of persistent subscriptions can be about; nobody asks it of others.
        return [supportedMethod.setMethodName(method.toLowerCase()).setFeaturesList(['stream', 'all'])];
      }),
    );
    return new features.SupportedMethods().setEventStoreServerVersion('23.10.0').setMethodsList(methods);
  }

  port = await bind(server, options);
  return {
    port,
    url: options.tls === undefined ? `esdb://127.0.0.1:${port}?tls=false` : `esdb://localhost:${port}`,
    journal,
    meddle(decide) {
      surroundings.meddle = decide;
    },
    async close() {
      server.forceShutdown();
    },
  };
}

function members(port: number) {
  const { MemberInfo, EndPoint, ClusterInfo } = gossip;
  const here = new EndPoint().setAddress('127.0.0.1').setPort(port);
  const leader = new MemberInfo().setState(MemberInfo.VNodeState.LEADER).setIsAlive(true).setHttpEndPoint(here);
  return new ClusterInfo().setMembersList([leader.setTimeStamp(String(Date.now()))]);
}

function bind(server: Server, { tls, port = 0 }: TestServerOptions): Promise<number> {
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [{ cert_chain: tls.certificate, private_key: tls.key }]);
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
}
