import type { ValueCodec } from './keyspace/codec.ts';
import type { Node } from './keyspace/node.ts';
import type { EmitEntry, NodeSnapshot } from './keyspace/snapshot.ts';

/** Someone presents a password, by AUTH or HELLO. Byte strings. */
export interface AuthRequest {
  /** Absent for `AUTH <password>`. */
  readonly username?: string;
  readonly password: string;
  /** The client's IP address. */
  readonly address: string;
}

/**
 * The node a connection now belongs to, and as which of its ACL users (`default` when left out; the engine does not look at
 * the password again, see `userFits`); or why not: `refusal` is an error line without '-'; WRONGPASS when left out. Where the
 * node lives in another process's engine, `elsewhere` is given the connection, to bring it there (only as a promise's value).
 */
export type AuthResult =
  | { readonly node: Node; readonly privileged?: boolean; readonly aclUser?: string; readonly elsewhere?: undefined }
  | { readonly node?: undefined; readonly refusal?: string; readonly elsewhere?: undefined }
  | { readonly node?: undefined; readonly elsewhere: (connection: Departure) => void };

/** An operating system's socket as Node's `net` wraps it, without a stream around it. */
export interface BareHandle {
  close(): void;
}

/** A connection that leaves one engine for another one. All but the handle is plain data. */
export interface Departure {
  /** The operating system's socket, as Node's `net` wraps it; nothing reads from it any more. */
  readonly handle: BareHandle;
  readonly address: string;
  readonly localAddress: string;
  readonly session: SessionState;
  /** Bytes that were read and not carried out, the AUTH or HELLO first that leads elsewhere. Latin-1. */
  readonly input: string;
}

/** What a connection keeps when it changes its node. */
export interface SessionState {
  readonly resp3: boolean;
  readonly replyMode: 'on' | 'off' | 'skip-next' | 'skip';
  readonly name: string;
  readonly libName: string;
  readonly libVersion: string;
  readonly noEvict: boolean;
  readonly noTouch: boolean;
}

/** A reply as plain data. */
export type ReplyValue =
  | null
  | number
  | bigint
  | boolean
  | string
  | ReplyError
  | readonly ReplyValue[]
  | ReadonlyMap<ReplyValue, ReplyValue>
  | ReadonlySet<ReplyValue>;

/** An error reply, with the line as the client would see it (without '-'). */
export interface ReplyError {
  readonly error: string;
}

/** A command only privileged connections can call. Its reply is written as RESP by what it returns. */
export interface ExtraCommand {
  readonly name: string;
  /** Redis's arity: negative for a minimum. */
  readonly arity: number;
  /** `args[0]` is the command's name. A thrown error becomes an `-ERR`. The signal is given when the connection ends. */
  readonly handler: (node: Node, args: readonly string[], signal: AbortSignal) => ReplyValue | Promise<ReplyValue>;
}

/** Limits of all connections of an engine; the defaults are Redis's. */
export interface ConnectionLimits {
  /** 0 means no limit. */
  readonly maxClients: number;
  /** Connections of one node; 0 means no limit. */
  readonly nodeClientsMax: number;
  /** Seconds after which a connection that asks for nothing is closed, unless a node's setting `timeout` says otherwise; 0 means never. */
  readonly idleTimeoutSeconds: number;
  /** Seconds that a connection has for its AUTH where one is needed; 0 means any time. */
  readonly authTimeoutSeconds: number;
  readonly bulkBytesMax: number;
  readonly queryBufferBytesMax: number;
  /** Bytes not yet taken by a slow reader at which it is disconnected; 0 means never. */
  readonly outputBufferBytesMax: number;
  /** The same for connections that have subscribed to channels. */
  readonly pubsubBufferBytesMax: number;
}

/** Bytes of replies that may wait to be taken for some time only; 0 bytes means no limit. */
export interface SoftLimit {
  readonly bytes: number;
  readonly seconds: number;
}

/** How an engine is set up. */
export interface EngineOptions {
  /** Routes a connection to a node. Without it the engine is standalone and every connection uses `defaultNode`. */
  readonly authenticate?: (request: AuthRequest) => AuthResult | Promise<AuthResult>;
  /** The node of connections that have not authenticated: standalone mode. */
  readonly defaultNode?: Node;
  /** Standalone mode: the password connections must give first. */
  readonly requirePass?: string;
  readonly extraCommands?: readonly ExtraCommand[];
  readonly codec?: ValueCodec;
  readonly limits?: Partial<ConnectionLimits>;
  /** A command threw, which is a mistake of the engine: its connection was closed, and everybody else goes on. */
  readonly onFault?: (node: Node, command: string, error: unknown) => void;
  /** Standalone mode: SHUTDOWN was called. */
  readonly onShutdown?: () => void;
  readonly saving?: Saving;
  /** Standalone mode: parameters of CONFIG as they were given when the server started, by name. */
  readonly settings?: ReadonlyMap<string, string>;
  /** Standalone mode: where CONFIG REWRITE writes to. */
  readonly configFile?: string;
  /** Standalone mode: ACL users by their names and rules, for `loadUsers`. */
  readonly aclUsers?: readonly string[];
}

/** The parameters of CONFIG that are about keeping data. */
export type SavingSetting =
  | 'dir'
  | 'dbfilename'
  | 'appendonly'
  | 'appendfsync'
  | 'appendfilename'
  | 'appenddirname'
  | 'aof-load-truncated'
  | 'aof-timestamp-enabled'
  | 'aof-use-rdb-preamble'
  | 'rdbcompression'
  | 'auto-aof-rewrite-percentage'
  | 'auto-aof-rewrite-min-size'
  | 'save'
  | 'stop-writes-on-bgsave-error';

/** Standalone mode: what SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE, SHUTDOWN, DEBUG RELOAD, INFO and CONFIG act on. */
export interface Saving {
  /** Whether the RDB file is being written. */
  readonly inProgress: boolean;
  /** Whether the append-only files are being rewritten. */
  readonly rewriting: boolean;
  /** When data was last saved or loaded. */
  readonly lastSaveMs: number;
  /** A setting of it, by CONFIG's name and as CONFIG shows it. */
  setting(name: SavingSetting): string;
  /** Changes one, in its normal form; returns what is wrong with that, if anything. */
  set(name: SavingSetting, value: string): string | undefined;
  /** The lines of INFO's section. */
  info(): readonly (readonly [name: string, value: string | number])[];
  /** Writes the RDB file. */
  save(): Promise<void>;
  /** Does so once a rewrite has ended. */
  scheduleSave(): void;
  /** Writes the base of the append-only files anew. */
  rewrite(): Promise<void>;
  /** Does so once a save has ended. */
  scheduleRewrite(): void;
  /** Saves as SHUTDOWN does: by the save points unless something is wished. Rejects when that fails. */
  saveForShutdown(wish: 'save' | 'nosave' | undefined): Promise<void>;
  /** Puts what the RDB file holds in the place of all data. */
  reload(options: { readonly save: boolean; readonly flush: boolean }): Promise<void>;
  /** The same with the append-only files. */
  loadAof(): Promise<void>;
}

/** Where an engine listens. */
interface ListenOptions {
  readonly port: number;
  /** 127.0.0.1 unless given. */
  readonly host?: string;
}

/** One process's RESP engine: a listener, and the nodes its connections are routed to. */
export interface Engine {
  /** Starts to listen and returns the port (useful with port 0). */
  listen(options: ListenOptions): Promise<number>;
  /**
   * Takes over a connection that left another engine, and carries out its AUTH or HELLO: `admitted` is what becomes of
   * that, nobody is asked again. The connection is closed when there is no place for it.
   */
  takeOver(arrival: Departure, admitted: AuthResult): void;
  /** Runs one command as a connection of the node would and returns its reply. Blocking commands do not block. */
  execute(node: Node, args: readonly string[], db?: number): Promise<ReplyValue>;
  /** Applies an effect read back from a journal: no journaling, no expiry, no limits. Throws when it is refused. */
  applyJournaled(node: Node, db: number, args: readonly string[]): void;
  /** See `beginSnapshot` in keyspace/snapshot.ts. */
  beginSnapshot(node: Node, emit: EmitEntry): NodeSnapshot;
  /** Standalone mode: makes the users that were configured, or are in the ACL file, after the data was loaded. Throws when it can't. */
  loadUsers(): void;
  /** Makes a node known before anyone connects to it, so that its keys expire. Nodes are made with `new Node(options)`. */
  adopt(node: Node): void;
  /** Replaces all databases of a node at once by those of another that was filled for it, as a restore does. */
  replaceKeyspace(node: Node, source: Node): void;
  /** While the process is full, commands that need memory are refused on every node, whatever its own limit. */
  setFull(full: boolean): void;
  /** Changes the memory limit; what is over it is evicted with the next writes. */
  resizeNode(node: Node, maxMemory: number): void;
  /**
   * Closes the node's connections; nothing can authenticate to it any more. Nothing is said to them: clients take a line
   * they did not ask for as the reply to their next command.
   */
  closeNode(node: Node): void;
  /** Closes the connections that logged in as a tenant would, so that they have to log in again. */
  disconnectTenants(node: Node): void;
  /** Whether a node has an ACL user of that name who is on and whose password this is. */
  userFits(node: Node, user: string, password: string): boolean;
  /**
   * How long nobody has been connected to a node; 0 while somebody is, and while it is something that memory alone holds:
   * settings made by CONFIG SET, a pause, a snapshot or script under way.
   */
  idleMs(node: Node): number;
  /** How many connections have authenticated to a node. */
  connectionCount(node: Node): number;
  /** Stops listening and closes all connections after their replies were sent. */
  close(): Promise<void>;
}
