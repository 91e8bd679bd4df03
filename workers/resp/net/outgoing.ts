import type { Socket } from 'node:net';
import { checkClientMemory } from '../clients/memory.ts';
import type { Client } from '../clients/server.ts';
import { inTurn } from '../clients/turns.ts';
import type { Piece } from '../protocol/chunk.ts';
import { DirectWriter } from './direct-write.ts';

/** What a system call for a socket takes, in milliseconds, which nobody measures. */
export const SYSTEM_CALL_MS = 0.004;

/** Bytes not yet taken by the peer at which its requests are no longer read. */
export const CHOKE_BYTES = 1_048_576;
/** Replies up to this many bytes are written before anyone asks whether they may wait. */
const BIG_REPLY = 16_384;

interface HeldReplies {
  readonly pieces: Piece[];
  durable: boolean;
}

/** The connection that replies go out of. */
export interface Sender {
  readonly client: Client;
  /** All that was held has been written. */
  released(): void;
  /** The peer has taken what made it too much to go on. */
  taken(): void;
  destroy(): void;
}

/** The way out of a connection: replies are held until what they tell of is durable, and only so many may wait for their peer. */
export class Outgoing {
  /** More waits than a peer may leave while it asks for more. */
  choked = false;
  private readonly sender: Sender;
  private readonly writer: DirectWriter;
  private held: HeldReplies[] | undefined;
  /** Since when more waits than the soft limit allows; 0 while it does not. */
  private overSinceMs = 0;
  private closed = false;

  constructor(socket: Socket, sender: Sender) {
    this.sender = sender;
    this.writer = new DirectWriter(socket, (portion) => this.writeInTurn(portion));
  }

  /** Bytes that the peer has not taken yet, at most. */
  get waiting(): number {
    return this.writer.waiting;
  }

  /** Whether replies wait for what they tell of to be durable. */
  get holds(): boolean {
    return this.held !== undefined;
  }

  /** Sends replies, or holds them until what they tell of is durable. */
  send(pieces: Piece[]): void {
    const { journal } = this.sender.client.node;
    if (this.held !== undefined || journal?.holdsReplies === true) this.hold(pieces);
    else this.write(pieces);
  }

  private hold(pieces: Piece[]): void {
    const held = { pieces, durable: false };
    (this.held ??= []).push(held);
    const release = (durable: boolean): void => {
      if (!durable) {
        // The write was carried out but can't be promised: no reply is the honest answer.
        this.sender.destroy();
        return;
      }
      held.durable = true;
      while (this.held?.[0]?.durable === true) this.write(this.held.shift()!.pieces);
      if (this.held?.length === 0) this.held = undefined;
      if (this.held === undefined) this.sender.released();
    };
    const { journal } = this.sender.client.node;
    if (journal === undefined) release(true);
    else journal.whenKept(release);
  }

  /** Writes at once, whatever is held. */
  write(pieces: Piece[]): void {
    if (this.closed) return;
    const { client } = this.sender;
    let bytes = 0;
    for (const piece of pieces) bytes += piece.length;
    if (bytes > BIG_REPLY && this.exceedsHard(bytes + this.writer.waiting)) {
      this.sender.destroy();
      return;
    }
    const [first] = pieces;
    if (pieces.length === 1 && typeof first === 'string') this.writer.write(first);
    else this.writer.writeAll(pieces, bytes);
    client.node.writesProcessed++;
    client.node.netOutputBytes += bytes;
    const { waiting } = this.writer;
    if (waiting === 0) return;
    if (this.exceedsSoft(waiting)) this.sender.destroy();
    else if (client.server.clientBytesMax === 0) {
      if (waiting > CHOKE_BYTES && !this.choked) this.choke();
    } else checkClientMemory(client.server, client);
  }

  /** Hands a part of a long reply to the socket when it is the node's turn. */
  private writeInTurn(portion: () => void): void {
    const { server } = this.sender.client;
    inTurn(server, () => {
      const beganMs = performance.now();
      portion();
      server.spentMs += performance.now() - beganMs + SYSTEM_CALL_MS;
    });
  }

  /** Whether so many bytes are more than may ever wait to be taken. */
  private exceedsHard(waiting: number): boolean {
    const { server, subscriptions } = this.sender.client;
    const { limits } = server.host;
    const hard = subscriptions > 0 ? limits.pubsubBufferBytesMax : limits.outputBufferBytesMax;
    return hard > 0 && waiting > hard;
  }

  /** Whether more waits to be taken than may, or has for too long. */
  private exceedsSoft(waiting: number): boolean {
    if (this.exceedsHard(waiting)) return true;
    const { server, subscriptions } = this.sender.client;
    const { bytes, seconds } = server.host.softLimits[subscriptions > 0 ? 'pubsub' : 'normal'];
    if (bytes === 0 || waiting <= bytes) this.overSinceMs = 0;
    else if (this.overSinceMs === 0) {
      this.overSinceMs = Date.now();
      // It may be that nothing more is written that would make us look again.
      setTimeout(() => this.lookAgain(), seconds * 1000 + 100).unref();
    } else return Date.now() - this.overSinceMs > seconds * 1000;
    return false;
  }

  private lookAgain(): void {
    if (!this.closed && this.overSinceMs !== 0 && this.exceedsSoft(this.writer.waiting)) this.sender.destroy();
  }

  /** Has no more read of a client until it has taken its replies. */
  private choke(): void {
    this.choked = true;
    this.writer.whenSent(() => {
      this.choked = false;
      this.sender.taken();
    });
  }

  /** Calls back once the socket has all that was written until now. */
  whenSent(callback: () => void): void {
    if (this.writer.waiting === 0) callback();
    else this.writer.whenSent(callback);
  }

  /** Nothing that is held, or comes yet, is sent. */
  close(): void {
    this.closed = true;
    this.held = undefined;
  }
}
