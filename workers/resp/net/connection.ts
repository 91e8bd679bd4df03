import type { Socket } from 'node:net';
import { mayEnterFreely } from '../acl/users.ts';
import { checkClientMemory } from '../clients/memory.ts';
import { Client } from '../clients/server.ts';
import type { Server } from '../clients/server.ts';
import type { Transport } from '../clients/transport.ts';
import { noteLateErrors } from '../clients/statistics.ts';
import { attach, detach, sessionOf } from '../clients/session.ts';
import { largeTextsWaitMs, noteLargeTexts, overdrawnMs } from '../clients/rate.ts';
import { inTurn, mustWait, noteWork, othersAtWork, shareLeft } from '../clients/turns.ts';
import { execute, stamp, startBatch } from '../commands/execute.ts';
import type { ConnectionLimits, Departure } from '../engine-api.ts';
import { tick } from '../keyspace/clock.ts';
import { largeTexts } from '../keyspace/large-text.ts';
import { doneWithLarge, spelledOut, withLarge } from '../protocol/large-arguments.ts';
import { RequestParser } from '../protocol/parser.ts';
import { writeRequest } from '../protocol/request.ts';
import { takeHandle } from './handle.ts';
import { CHOKE_BYTES, Outgoing, SYSTEM_CALL_MS, type Sender } from './outgoing.ts';

/** Bytes of input kept while a client is blocked, above which reading stops. */
const STALLED_INPUT_MAX = 1_048_576;
/** What each byte that is read takes, in milliseconds, which nobody measures. */
const READ_BYTE_MS = 0.000_000_3;
/** What the next read of a client that is sending a large value is going to take. */
const FULL_READ_MS = 0.03;
/** Bytes of input kept of a client whose node has had its share, above which reading stops. */
const QUEUED_INPUT_MAX = 16_384;

/** So many connections are sent what came for them from others as soon as whoever runs is done; the rest when it is their node's turn. */
const SENT_SOON_MAX = 64;
let sentSoon = 0;

/** The hashes of keys of the requests that come next, as many as are looked at together. */
const keyHashes = new Int32Array(16);

/** How many milliseconds a node has to wait until it may go on. */
function heldBackMs(server: Server, nowMs: number): number {
  const { rateLimits } = server.node;
  const largeMs = server.largeTextsLeft < 0 && othersAtWork() ? largeTextsWaitMs(server, nowMs) : 0;
  return rateLimits === undefined ? largeMs : Math.max(largeMs, overdrawnMs(server, rateLimits, nowMs));
}

/** One socket: reads requests, runs them one after another, and writes their replies with one write per read. */
export class Connection implements Transport, Sender {
  readonly client: Client;
  private readonly socket: Socket;
  private readonly out: Outgoing;
  private readonly limits: ConnectionLimits;
  private readonly parser: RequestParser;
  /** A request that has been read but must wait for a pause to end. */
  private deferred: readonly string[] | undefined;
  /** The request whose asynchronous end is awaited. */
  private awaited: readonly string[] | undefined;
  private leaving = false;
  /** The node has had its share of the event loop: the rest of the input waits for its next turn. */
  private queued = false;
  private reading = true;
  private scheduled = false;
  private closed = false;

  constructor(socket: Socket, server: Server, address: string, localAddress: string) {
    this.socket = socket;
    this.limits = server.host.limits;
    this.parser = new RequestParser(this.limits.bulkBytesMax);
    this.client = new Client(server, this, address, localAddress);
    this.out = new Outgoing(socket, this);
    this.client.authenticated = mayEnterFreely(server);
    attach(this.client, server);
  }

  /** Begins to read; `input` came before. */
  start(input?: Buffer): void {
    if (input !== undefined && !this.received(input, input.length)) return;
    if (!this.closed) this.socket.resume();
  }

  /** Takes the bytes of one read, from a buffer that is reused as soon as this returns. */
  received(chunk: Buffer, length: number): boolean {
    if (this.closed || this.client.closing) return true;
    this.client.lastActiveMs = tick();
    this.client.node.netInputBytes += length;
    this.client.server.spentMs += length * READ_BYTE_MS;
    this.client.node.readsProcessed++;
    startBatch();
    this.parser.feed(chunk, length);
    this.process();
    this.keepRest();
    const { heldBytes } = this.parser;
    // What waits for its turn is bounded otherwise.
    if (heldBytes > this.limits.queryBufferBytesMax && !this.queued) this.destroy();
    // A full buffer tells that more is there, which would be read at once.
    if (length === chunk.length && !this.queued && mustWait(this.client.server)) this.waitForTurn();
    const inputMax = this.queued ? QUEUED_INPUT_MAX : this.stalled ? STALLED_INPUT_MAX : Infinity;
    this.reading = !this.out.choked && heldBytes <= inputMax && !(this.queued && length === chunk.length);
    return this.reading;
  }

  private keepRest(): void {
    const { server } = this.client;
    this.parser.rest();
    if (server.clientBytesMax !== 0) checkClientMemory(server, this.client);
  }

  /** The client waits for something, so its input must wait too. */
  private get stalled(): boolean {
    return this.waits || this.deferred !== undefined;
  }

  /** Runs requests as far as they have been read, and as far as the node's share of the event loop goes. */
  private process(myTurn = false): void {
    const { client, parser } = this;
    if (this.queued) return;
    const { server } = client;
    const beganMs = stamp();
    if (client.authenticated) noteWork(server, beganMs);
    const waitMs = client.privileged || !client.authenticated ? 0 : heldBackMs(server, beganMs);
    if (waitMs > 0 && parser.heldBytes > 0) {
      this.queued = true;
      server.node.throttledReads++;
      setTimeout(() => this.takeTurn(), waitMs);
      this.flush();
      return;
    }
    if (!myTurn && mustWait(server) && parser.heldBytes > 0) {
      this.waitForTurn();
      this.flush();
      return;
    }
    const endsMs = beganMs + shareLeft(server);
    let fetched = 0;
    while (!client.closing && !this.closed && !this.out.choked && !this.waits) {
      parser.unauthenticated = !client.authenticated;
      if (fetched-- === 0) fetched = this.fetchAhead();
      const request = this.deferred ?? parser.next();
      if (request === undefined) break;
      if ('protocolError' in request) {
        client.reply.error(`ERR Protocol error: ${request.protocolError}`);
        client.closing = true;
        break;
      }
      this.deferred = undefined;
      let done: boolean;
      try {
        done = execute(client, request);
      } catch (error) {
        this.faulted(request[0]!, error);
        return;
      }
      if (!done) {
        this.deferred = spelledOut(request);
        if (withLarge.latest === request) this.doneWith(request);
        client.server.pausedClients.add(client);
        break;
      }
      if (client.pending !== undefined) this.awaitPending(client.pending, request);
      if (withLarge.latest === request) this.doneWith(request);
      if (client.reply.length > CHOKE_BYTES) this.flush();
      if (stamp() >= endsMs && parser.heldBytes > 0) {
        this.waitForTurn();
        break;
      }
    }
    this.flush();
    if (largeTexts.bytes > 0) noteLargeTexts(server, beganMs);
    server.spentMs += performance.now() - beganMs + SYSTEM_CALL_MS;
  }

  /** Lets go of the large values of a request, once it has ended. */
  private doneWith(request: readonly string[]): void {
    withLarge.latest = undefined;
    const { pending } = this.client;
    if (pending === undefined) doneWithLarge(request);
    else void pending.finally(() => doneWithLarge(request)).catch(() => {});
  }

  /** Has what the next requests look for fetched together, and says after how many of them to do so again. */
  private fetchAhead(): number {
    const { entries } = this.client.db;
    if (!entries.isLarge) return Infinity;
    const count = this.parser.keysAhead(keyHashes);
    if (count > 1) entries.fetchAhead(keyHashes, count);
    return Math.max(0, count - 1);
  }

  private waitForTurn(): void {
    this.queued = true;
    inTurn(this.client.server, () => this.takeTurn());
  }

  private takeTurn(): void {
    this.queued = false;
    this.resume(true);
    // Reading on costs no time yet: of many clients only as many are to do so as the share has room for.
    if (this.reading && this.parser.isGathering) this.client.server.spentMs += FULL_READ_MS;
  }

  /** A mistake of the engine must not become everybody's: who came upon it is let go, and the rest goes on. */
  private faulted(name: string, error: unknown): void {
    const { node, server } = this.client;
    if (server.host.onFault === undefined) throw error;
    server.host.onFault(node, name.slice(0, 64), error);
    this.client.reply.error('ERR internal error; the connection is closed and the error is in the log');
    this.end();
  }

  private awaitPending(pending: Promise<void>, request: readonly string[]): void {
    this.awaited = request;
    const goOn = (): void => {
      this.awaited = undefined;
      if (this.leaving) return;
      this.client.pending = undefined;
      noteLateErrors(this.client);
      this.resume();
    };
    pending.then(goOn, goOn);
  }

  schedule(): void {
    if (this.scheduled || this.closed) return;
    this.scheduled = true;
    if (sentSoon < SENT_SOON_MAX) {
      sentSoon++;
      queueMicrotask(() => {
        sentSoon--;
        this.sendScheduled();
      });
      return;
    }
    // A message may go to thousands, each by a call to the system.
    const { server } = this.client;
    inTurn(server, () => {
      const beganMs = performance.now();
      this.sendScheduled();
      server.spentMs += performance.now() - beganMs;
    });
  }

  private sendScheduled(): void {
    this.scheduled = false;
    this.flush();
  }

  resume(myTurn = false): void {
    if (this.closed || this.waits) return;
    tick();
    startBatch();
    this.process(myTurn);
    this.keepRest();
    this.readOn();
  }

  private get waits(): boolean {
    return this.client.blocked !== undefined || this.client.pending !== undefined;
  }

  private readOn(): void {
    if (this.reading || this.out.choked || this.queued || this.closed) return;
    this.reading = true;
    this.socket.resume();
  }

  /** Sends what waits, or has it held until what it tells of is durable. */
  private flush(): void {
    if (this.closed) return;
    const pieces = this.client.reply.take();
    if (pieces.length > 0) this.out.send(pieces);
    this.released();
  }

  released(): void {
    if (this.client.closing && !this.out.holds) this.end();
  }

  taken(): void {
    this.resume();
    this.readOn();
  }

  sizes(): { input: number; output: number } {
    return { input: this.parser.heldBytes, output: this.out.waiting };
  }

  leave(to: (connection: Departure) => void): void {
    const { socket, client, parser, awaited } = this;
    this.leaving = true;
    this.reading = false;
    socket.pause();
    const go = (): void => {
      if (this.closed) return;
      const input = writeRequest(spelledOut(awaited ?? [])) + parser.surrender();
      const { address, localAddress } = client;
      const handle = takeHandle(socket);
      const session = sessionOf(client);
      this.destroy();
      if (handle !== undefined) to({ handle, address, localAddress, session, input });
    };
    const goOnceSent = (): void => this.out.whenSent(go);
    const { journal } = client.node;
    if (!this.out.holds || journal === undefined) goOnceSent();
    else journal.whenKept(goOnceSent);
  }

  end(): void {
    if (this.closed) return;
    const pieces = this.client.reply.take();
    if (pieces.length > 0) this.out.write(pieces);
    this.release();
    this.out.whenSent(() => this.socket.destroySoon());
  }

  destroy(): void {
    if (this.closed) return;
    this.release();
    this.socket.destroy();
  }

  /** Sends what waits and closes; resolves when the socket is gone. */
  ended(): Promise<void> {
    return new Promise((resolve) => {
      this.socket.once('close', () => resolve());
      this.end();
    });
  }

  /** The socket is gone. */
  release(): void {
    if (this.closed) return;
    this.closed = true;
    this.out.close();
    this.client.gone = true;
    this.client.whenGone?.();
    detach(this.client);
  }
}
