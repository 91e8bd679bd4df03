import { setTimeout as sleep } from 'node:timers/promises';

import type { NodeId } from '#domains/kernel/ids.ts';
import { constantTimeEqual, sha256Hex } from '#infra/crypto/secrets.ts';
import type { Throttle } from '#workers/resp/clients/throttle.ts';
import type { AuthRequest } from '#workers/resp/engine-api.ts';

import type { Verdict } from '../engines/calls.ts';
import { readPresented } from './presented.ts';

/** What authentication needs to know of the nodes here. */
export interface Door {
  /** The SHA-256 of the node's password, or undefined when there is no such node here. */
  passwordSha256(nodeId: NodeId): string | undefined;
  /** Lets a connection that proved itself in, or says why the node can't be used now. */
  admit(nodeId: NodeId): Promise<Verdict> | Verdict;
  admitPlatform(nodeId: NodeId): Promise<Verdict> | Verdict;
  /** Whether the node has such an ACL user, and this is its password. */
  userFits(nodeId: NodeId, user: string, password: string): Promise<boolean>;
  /** Waits, within a bound, until the log has been followed up to where it was at the time of the call. */
  caughtUp(): Promise<void>;
  /** False until the log has been read once: until then nothing is known to be wrong. */
  isKnown(): boolean;
  /** The node a platform token opens. */
  platformNode(token: string): NodeId | undefined;
}

const starting = { refusal: 'LOADING MiniRedis is starting; try again in a moment' } as const;

/** What an unknown node's password is compared with, so that it takes as long as that of a known one. */
const nobodysHash = '0'.repeat(64);

/**
 * Decides where AUTH and HELLO lead. A node that is not there, a password that is wrong and a user that can't be all get
 * Redis's WRONGPASS by the same way, so that nobody can find out which nodes exist.
 */
export function authenticator(door: Door, throttle: Throttle): (request: AuthRequest) => Promise<Verdict> | Verdict {
  const fits = (nodeId: NodeId, password: string): boolean => {
    const expected = door.passwordSha256(nodeId);
    return constantTimeEqual(sha256Hex(password), expected ?? nobodysHash) && expected !== undefined;
  };

  const fail = async (address: string, user: string): Promise<Verdict> => {
    const { delay_ms, refusedFor_s } = throttle.failed(address, user);
    if (delay_ms > 0) await sleep(delay_ms, undefined, { ref: false });
    if (refusedFor_s === undefined) return {};
    return { refusal: `WRONGPASS too many failed attempts for this user; try again in ${refusedFor_s} seconds.` };
  };

  return (request) => {
    const { address } = request;
    const presented = readPresented(request);
    switch (presented.kind) {
      case 'nothing':
        return fail(address, request.username ?? '');
      case 'platform': {
        const nodeId = door.platformNode(presented.token);
        return nodeId === undefined ? fail(address, '@platform') : admitPlatform(nodeId);
      }
      case 'aclUser':
        return asAclUser(presented.nodeId, presented.user, presented.password, address);
      case 'node': {
        const { nodeId, password, genuineForm } = presented;
        const admit = () => {
          throttle.succeeded(address, nodeId);
          return door.admit(nodeId);
        };
        if (door.isKnown() && fits(nodeId, password)) return admit();
        return genuineForm || !door.isKnown() ? lookAgain(nodeId, password, address, admit) : fail(address, nodeId);
      }
    }
  };

  /** The node may have been made, or its password changed, so lately that the log must be asked before this is wrong. */
  async function lookAgain(
    nodeId: NodeId,
    password: string,
    address: string,
    admit: () => Promise<Verdict> | Verdict,
  ): Promise<Verdict> {
    if (throttle.isRefused(address, nodeId)) return fail(address, nodeId);
    await door.caughtUp();
    if (!door.isKnown()) return starting;
    return fits(nodeId, password) ? admit() : fail(address, nodeId);
  }

  /**
   * Lets one of the node's own users in. Only the open node knows its users, so that one which is not there or can't be
   * opened is answered like a wrong password: nobody has proved anything yet.
   */
  async function asAclUser(nodeId: NodeId, user: string, password: string, address: string): Promise<Verdict> {
    const name = `${nodeId}:${user}`;
    if (door.passwordSha256(nodeId) === undefined) {
      if (throttle.isRefused(address, name)) return fail(address, name);
      await door.caughtUp();
    }
    if (!door.isKnown()) return starting;
    const admitted = await door.admit(nodeId);
    const { ticket } = admitted;
    if (ticket === undefined || !(await door.userFits(nodeId, user, password))) return fail(address, name);
    throttle.succeeded(address, name);
    return { ticket: { ...ticket, aclUser: user } };
  }

  async function admitPlatform(nodeId: NodeId): Promise<Verdict> {
    if (door.passwordSha256(nodeId) === undefined) await door.caughtUp();
    if (!door.isKnown()) return starting;
    if (door.passwordSha256(nodeId) === undefined) return { refusal: 'ERR this manager does not hold the node' };
    return door.admitPlatform(nodeId);
  }
}
