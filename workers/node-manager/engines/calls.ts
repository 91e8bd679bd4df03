import type { NodeId } from '#domains/kernel/ids.ts';
import type { PlanRates } from '#domains/plan/plans.ts';
import type { AuthRequest, Departure } from '#workers/resp/engine-api.ts';

import type { RoutedNode } from '../routing/routed-node.ts';

/** What an engine process is told first. */
export interface EngineSettings {
  /** Its number among the manager's engine processes, from 0. */
  readonly index: number;
  readonly logLevel: string;
  /** The folders of the partitions it works in. */
  readonly folders: readonly { readonly partition: number; readonly folder: string }[];
  readonly objectStoreUrl: string;
  /** What any node may do in a second, whatever its plan. */
  readonly nodeRates: PlanRates;
  /** What all engine processes of the manager together may hold. */
  readonly budgetBytes: number;
  /** How long nobody must have used a node before it is kept on the disk alone; 0 for never. */
  readonly unloadAfter_ms: number;
}

/** A node as an engine process is to serve it. */
export interface Order extends RoutedNode {
  /** The write-ahead log that holds its data. */
  readonly partition: number;
}

/** That somebody has proved what it takes to enter a node. */
export interface Ticket {
  readonly nodeId: NodeId;
  /** The platform's own connections. */
  readonly privileged: boolean;
  /** As which of the node's users; null for the default user. */
  readonly aclUser: string | null;
  /** The node does not run, and the platform comes to verify a backup. */
  readonly stopped: boolean;
}

/** Why somebody may not enter a node (WRONGPASS when nothing is said), or the ticket. */
export type Verdict = { readonly ticket: Ticket } | { readonly ticket?: undefined; readonly refusal?: string };

/** A connection without its socket, which travels beside. */
type Luggage = Omit<Departure, 'handle'>;

export interface EngineStatus {
  readonly pid: number;
  readonly nodes: number;
  /** Of these, how many are on the disk alone. */
  readonly unloaded: number;
  readonly connections: number;
  /** How often clients were kept waiting by the limits of their nodes. */
  readonly throttledReads: number;
  readonly usedBytes: number;
  /** Why nothing can be written down at the moment. */
  readonly failure: string | null;
  readonly writeAheadLogs: readonly Record<string, unknown>[];
}

/** What the manager asks of an engine process. */
export type EngineCalls = {
  /** Answers with the nodes of which there is data, by partition. */
  readonly start: {
    readonly asks: EngineSettings;
    readonly answers: readonly (readonly [number, readonly string[]])[];
  };
  /** Answers whether clients may use the node's data. */
  readonly serve: { readonly asks: Order; readonly answers: boolean };
  readonly close: { readonly asks: NodeId; readonly answers: void };
  readonly drop: { readonly asks: { readonly nodeId: NodeId; readonly partition: number }; readonly answers: void };
  readonly userFits: {
    readonly asks: { readonly nodeId: NodeId; readonly user: string; readonly password: string };
    readonly answers: boolean;
  };
  readonly status: { readonly asks: null; readonly answers: EngineStatus };
  readonly takeOver: { readonly asks: { readonly luggage: Luggage; readonly ticket: Ticket }; readonly answers: void };
  /** Bytes that the other engine processes hold. */
  readonly othersUse: { readonly asks: number; readonly answers: void };
};

/** What an engine process asks of the manager. */
export type ManagerCalls = {
  /** `here`: the ticket is for a node of the engine process that asks. */
  readonly authenticate: {
    readonly asks: AuthRequest;
    readonly answers: { readonly verdict: Verdict; readonly here: boolean };
  };
  readonly handOver: { readonly asks: { readonly luggage: Luggage; readonly ticket: Ticket }; readonly answers: void };
  /** A backup is in; answers once the log knows that the node runs. */
  readonly restored: { readonly asks: NodeId; readonly answers: void };
  /** Bytes that this process's nodes hold. */
  readonly uses: { readonly asks: number; readonly answers: void };
};
