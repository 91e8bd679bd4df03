import { createGenerator } from '../conformance/generate.ts';
import { encode } from '../conformance/wire.ts';
import { sealPayload } from '../persistence/codec.ts';

/** One kind of input: makes the bytes of the next message of a connection. */
export type Input = () => string;

/** What the random choices of an input are made by. */
export interface Dice {
  readonly below: (limit: number) => number;
  readonly pick: <T>(items: readonly T[]) => T;
}

export function diceOf(random: () => number): Dice {
  const below = (limit: number): number => Math.floor(random() * limit);
  return { below, pick: (items) => items[below(items.length)]! };
}

/** Parts that parsers trip over. */
const PIECES = [
  '*', '$', '\r\n', '\r', '\n', '-1', '0', '1', '3', '9223372036854775807', '99999999999999999999', '*1\r\n', '*-1\r\n', '*0\r\n',
  '$0\r\n\r\n', '$-1\r\n', '$4\r\nPING\r\n', '"', "'", '\\x', '\0', ' ', 'PING', 'GET', 'SET k v', 'HELLO 3', '*2\r\n$3\r\nGET\r\n$1\r\n',
  '*1048577\r\n', '*1048576\r\n', '$536870913\r\n', '$8388608\r\n', '\xff\xfe', 'QUIT',
]; // prettier-ignore

/** Words that stand where others are expected. */
const WORDS = [
  '', '0', '-1', '1', '2', '1e400', 'nan', 'inf', '-inf', '9223372036854775807', '-9223372036854775808', '18446744073709551616', '0.1', '*', '-', '+',
  '$', '>', '(', '[', '(1', '[a', '\0', '\r\n', 'KEYS', 'LIMIT', 'COUNT', 'STORE', 'BY', 'GET', 'MATCH', 'WITHSCORES', 'NX', 'XX', 'EX', 'PX', 'ASYNC', 'MAXLEN',
  'STREAMS', 'GROUP', 'ID', 'LEFT', 'RIGHT', 'MIN', 'MAX', 'AND', 'NOT', 'u8', 'i64', '0-0', '5-5', 'S0', 'S1', 'H0', 'H1', 'L0', 'L1', 'T0', 'T1', 'Z0', 'Z1', 'E0', 'E1',
]; // prettier-ignore

/** They end the process, stop it on purpose or hold every connection. */
const LEFT_OUT = /^(?:shutdown|debug|failover|monitor|save|bgsave|bgrewriteaof)$|^client(?:\|pause)?$/i;

/** Bytes that are hardly ever requests. */
export function rawBytes({ below, pick }: Dice): Input {
  return () => {
    let bytes = '';
    for (let parts = below(12); parts >= 0; parts--) {
      bytes +=
        below(3) > 0 ? pick(PIECES) : String.fromCharCode(...Array.from({ length: below(40) }, () => below(256)));
    }
    return bytes;
  };
}

/** Requests as clients send them, with a byte changed, cut out or doubled here and there. */
export function damagedRequests(random: () => number): Input {
  const { below } = diceOf(random);
  const next = createGenerator(random);
  return () => {
    const bytes = Array.from({ length: 1 + below(8) }, () => encode(next())).join('');
    const at = below(bytes.length);
    switch (below(4)) {
      case 0:
        return bytes.slice(0, at) + String.fromCharCode(below(256)) + bytes.slice(at + 1);
      case 1:
        return bytes.slice(0, at) + bytes.slice(at + 1 + below(8));
      case 2:
        return bytes.slice(0, at) + bytes.slice(Math.max(0, at - below(20)));
      default:
        return bytes;
    }
  };
}

/** Any command of the server with any words after it, or what is sent to it elsewhere with other words here and there. */
export function wildCommands(random: () => number, commands: readonly string[]): Input {
  const { below, pick } = diceOf(random);
  const next = createGenerator(random);
  const allowed = commands.filter((name) => !LEFT_OUT.test(name));
  const word = (): string => (below(8) === 0 ? pick(next()) : pick(WORDS));
  return () => {
    if (below(2) === 0) {
      const request = next();
      for (let changes = below(4); changes > 0 && request.length > 1; changes--)
        request[1 + below(request.length - 1)] = pick(WORDS);
      return encode(request);
    }
    const name = pick(allowed);
    const args = Array.from({ length: below(9) }, word);
    return encode([...name.split('|'), ...args]);
  };
}

/** RESTORE of payloads that are damaged inside, with a checksum that fits. */
export function damagedPayloads(random: () => number, payloads: readonly string[]): Input {
  const { below, pick } = diceOf(random);
  return () => {
    const payload = pick(payloads).slice(0, -10).split('');
    for (let changes = below(4); changes > 0 && payload.length > 0; changes--) {
      const at = below(payload.length);
      if (below(3) === 0) payload.splice(at, 1 + below(4));
      else payload[at] = String.fromCharCode(below(2) === 0 ? below(256) : pick([0, 1, 63, 64, 127, 128, 192, 255]));
    }
    const key = `R${below(4)}`;
    const look = [['OBJECT', 'ENCODING', key], ['MEMORY', 'USAGE', key], ['DUMP', key], ['COPY', key, 'RC', 'REPLACE'], ['DEL', key]]; // prettier-ignore
    return [['RESTORE', key, '0', sealPayload(payload.join('')), 'REPLACE'], ...look].map(encode).join('');
  };
}
