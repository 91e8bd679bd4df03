import type { Client } from './server.ts';

const REDACTED = '(redacted)';

/** A request as others may see it: without passwords and the rules of users. */
export function redacted(args: readonly string[]): readonly string[] {
  const [name, sub] = [args[0]!.toLowerCase(), args[1]?.toLowerCase()];
  if (name === 'auth') return args.map((arg, i) => (i === 0 ? arg : REDACTED));
  const from = name === 'acl' && sub === 'setuser' ? 2 : name === 'config' && sub === 'set' ? 3 : undefined;
  if (from !== undefined) return args.map((arg, i) => (i < from ? arg : REDACTED));
  if (name !== 'hello') return args;
  const auth = args.findIndex((arg, i) => i > 1 && arg.toLowerCase() === 'auth');
  return auth < 0 ? args : args.map((arg, i) => (i === auth + 1 || i === auth + 2 ? REDACTED : arg));
}

/** Shows a client all requests of its node from here on. */
export function startMonitor(client: Client): void {
  (client.server.monitors ??= new Set()).add(client);
}

/** Ends that. */
export function stopMonitor(client: Client): void {
  const { server } = client;
  server.monitors?.delete(client);
  if (server.monitors?.size === 0) server.monitors = undefined;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x07': '\\a',
  '\b': '\\b',
};

function quoted(text: string): string {
  const escape = (char: string): string => ESCAPES[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  return `"${text.replace(/[^ !#-[\]-~]/g, escape)}"`;
}

/** Shows a request that was carried out to those who monitor. */
export function feedMonitors(monitors: ReadonlySet<Client>, by: Client, db: number, args: readonly string[]): void {
  const microseconds = Math.floor((performance.timeOrigin + performance.now()) * 1000);
  const time = `${Math.floor(microseconds / 1e6)}.${String(microseconds % 1e6).padStart(6, '0')}`;
  const who = by.transport === undefined && by.executing ? 'lua' : by.address;
  const line = `${time} [${db} ${who}] ${redacted(args).map(quoted).join(' ')}`;
  for (const monitor of monitors) {
    monitor.reply.simple(line);
    monitor.transport?.schedule();
  }
}
