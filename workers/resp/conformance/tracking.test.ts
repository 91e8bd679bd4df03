import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { besideReference } from '#test/tools/beside-redis.ts';
import { encode } from './wire.ts';

const beside = besideReference();

/**
 * Runs a script of lines `<connection> <command>` and returns all that each connection received. `id:<connection>` stands
 * for the id of a connection.
 */
async function play(port: number, script: string): Promise<Record<string, string>> {
  const sockets = new Map<string, { socket: Socket; text: string; id: string }>();
  const quiet = (): Promise<void> => sleep(25);
  const open = async (name: string) => {
    const socket = connect(port, '127.0.0.1').setEncoding('latin1');
    const opened = { socket, text: '', id: '' };
    sockets.set(name, opened);
    socket.on('data', (chunk) => (opened.text += String(chunk)));
    socket.write(encode(['CLIENT', 'ID']), 'latin1');
    while (!opened.text.endsWith('\r\n')) await quiet();
    opened.id = opened.text.slice(1).trim();
    opened.text = '';
    return opened;
  };
  for (const name of new Set(script.match(/^\w+/gm))) await open(name);
  for (const line of script.trim().split('\n')) {
    const [name, ...words] = line.trim().split(' ');
    const args = words.map((word) => (word.startsWith('id:') ? sockets.get(word.slice(3))!.id : word));
    sockets.get(name!)!.socket.write(encode(args), 'latin1');
    await quiet();
  }
  // What is still on its way on a busy machine belongs to it, too.
  const length = (): number => [...sockets.values()].reduce((sum, { text }) => sum + text.length, 0);
  for (let [before, same] = [-1, 0]; same < 4; same = length() === before ? same + 1 : 0) {
    before = length();
    await quiet();
  }
  const received: Record<string, string> = {};
  for (const [name, { text, socket }] of sockets) {
    const ids = [...sockets]
      .filter(([other]) => script.includes(`id:${other}`))
      .map(([other, { id }]) => [other, id] as const);
    received[name] = ids.reduce((all, [other, id]) => all.replaceAll(`:${id}\r\n`, `:id of ${other}\r\n`), text);
    socket.destroy();
  }
  return received;
}

const many = Array.from({ length: 3000 }, (_, n) => `k:${n}`).join(' ');

/** HELLO's reply names versions, so RESP3 is entered by each script in a line of its own and taken out here. */
const withoutGreeting = (text: string): string => text.replace(/%7\r\n[^]*?modules\r\n\*0\r\n/g, '');

test('MONITOR shows what a real redis-server shows', async () => {
  const script =
    'm monitor\na set k "a\\x\na multi\na get k\na exec\na config get port\na acl whoami\na auth x secret\na select 1\na publish \u00ff\u0000 x\nm reset\na get k';
  const plain = (text: string): string => text.replace(/\+[\d.]+ \[(\d+) [\d.:]+\]/g, '[$1]');
  const [ours, theirs] = await Promise.all(beside.ports.map((port) => play(port, script)));
  expect(plain(ours!['m']!)).toBe(plain(theirs!['m']!));
  expect(ours!['m']).toContain('"k"');
  expect(ours!['m']).not.toContain('secret');
});

test.each([
  [
    'reads are invalidated once',
    'a hello 3\na client tracking on\na get k\nb set k 1\nb set k 2\na mget k j\nb del k\nb set j 1',
  ],
  [
    'own changes come after the reply',
    'a hello 3\na client tracking on\na get k\na set k 1\na get k\na flushall\na set k 2',
  ],
  [
    'many reads at once',
    `a hello 3\na client tracking on\na mget ${many}\nb set k:2999 1\na multi\na mget ${many}\na exec\nb set k:0 1\nb set k:0 2`,
  ],
  ['NOLOOP', 'a hello 3\na client tracking on noloop\na get k\na set k 1\na get k\nb set k 2'],
  ['a transaction', 'a hello 3\na client tracking on\na multi\na get k\na set k 1\na get k\na exec\nb set k 2'],
  ['FLUSHDB', 'a hello 3\na client tracking on\na get k\nb flushdb\nb set k 1'],
  [
    'OPTIN',
    'a hello 3\na client tracking on optin\na get k\nb set k 1\na client caching yes\na get k\nb set k 2\na get k\nb set k 3\na client trackinginfo',
  ],
  [
    'OPTOUT',
    'a hello 3\na client tracking on optout\na get k\nb set k 1\na client caching no\na get k\nb set k 2\na client trackinginfo',
  ],
  [
    'BCAST with prefixes',
    'a hello 3\na client tracking on bcast prefix u: prefix v:\nb set u:1 x\nb set w:1 x\nb mset v:1 x v:2 y\na client trackinginfo\na client tracking on bcast prefix w:\nb set w:2 x\na set u:9 x',
  ],
  ['BCAST of everything with NOLOOP', 'a hello 3\na client tracking on bcast noloop\na set k 1\nb set k 2\nb flushall'],
  [
    'REDIRECT to a RESP2 subscriber',
    'b subscribe __redis__:invalidate\na client tracking on redirect id:b\na client getredir\na client trackinginfo\na get k\nc set k 1\na get k\nc flushall',
  ],
  ['REDIRECT to one that does not listen', 'b ping\na client tracking on redirect id:b\na get k\nc set k 1'],
  [
    'a redirection that is broken',
    'b hello 3\na hello 3\na client tracking on redirect id:b\na get k\nb quit\nc set k 1\na client trackinginfo',
  ],
  [
    'expiry',
    'a hello 3\na client tracking on\nb psetex k 60 1\na get k\nb ping\nb ping\nb ping\nb ping\nb ping\nb get k',
  ],
  [
    'tracking off',
    'a hello 3\na client tracking on\na get k\na client tracking off\nb set k 1\na client trackinginfo\na client getredir',
  ],
  [
    'SWAPDB of keys that are watched',
    'a hello 3\na client tracking on\na get k\na get j\nb set k 1\na get k\nb watch k j\nb select 1\nb set j 1\na swapdb 0 1\nb swapdb 0 1\nb multi\nb exec',
  ],
  ['a channel without a name', 'a subscribe  c\na unsubscribe c\nb pubsub channels\nb pubsub channels *\nb publish  x'],
  [
    'tracking off and on again',
    'a hello 3\na client tracking on\na get k\na get j\na client tracking off\nb set j 1\na client tracking on\nb set k 1\nb set j 2\na get k\na reset\na hello 3\na client tracking on optin\nb set k 2',
  ],
  ['RESET ends it', 'a hello 3\na client tracking on\na get k\na reset\na client trackinginfo\nb set k 1'],
  [
    'errors',
    `a client tracking maybe
a client tracking on prefix x
a client tracking on optin optout
a client tracking on bcast optin
a client tracking on redirect 999999
a client tracking on redirect x
a client tracking on nonsense
a client caching yes
a client tracking on bcast prefix ab prefix a
a client tracking on bcast prefix ab
a client tracking on bcast prefix a
a client tracking on
a client tracking off
a client tracking on optin
a client tracking on optout
a client caching no
a client caching what`,
  ],
])('%s', { timeout: 30_000 }, async (_, script) => {
  const [ours, theirs] = await Promise.all(beside.ports.map((port) => play(port, script)));
  for (const name of Object.keys(theirs!)) {
    expect(withoutGreeting(ours![name]!), name).toBe(withoutGreeting(theirs![name]!));
  }
});
