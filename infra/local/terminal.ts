import path from 'node:path';

import type { Config } from '../config/config.ts';

/** What `npm start` prints: a few calm lines for a person. Everything else is in the logs. */
export interface Terminal {
  line(text: string): void;
  /** A line about something under way: rewritten in place on a terminal, repeated now and then elsewhere. */
  progress(text: string): void;
}

/** How often progress is repeated where lines cannot be rewritten, such as in a file. */
const repeatAfter_ms = 15_000;

/** Prints to standard output. */
export function openTerminal(output: NodeJS.WriteStream = process.stdout): Terminal {
  let open = false;
  let printedAt = -Infinity;
  // Whoever read our output may be gone (a closed pipe); the platform goes on.
  output.on('error', () => {});
  return {
    line(text) {
      output.write(open ? `\r\u001B[K${text}\n` : `${text}\n`);
      open = false;
      printedAt = -Infinity;
    },
    progress(text) {
      if (output.isTTY) {
        output.write(`\r\u001B[K${text}`);
        open = true;
      } else if (performance.now() - printedAt >= repeatAfter_ms) {
        output.write(`${text}\n`);
        printedAt = performance.now();
      }
    },
  };
}

/** A number of milliseconds as a person reads it. */
export function seconds(duration_ms: number): string {
  return `${(duration_ms / 1000).toFixed(duration_ms < 10_000 ? 1 : 0)} s`;
}

/** What to paste next: who one is, a tenant, a node, and a Redis client on it. The key stays in its file, out of terminals and logs. */
export function banner(config: Config, took_ms: number): string {
  const url = `http://${config.publicHost}:${config.gatewayPort}`;
  const file = path.join(config.home, 'credentials.json');
  const headers = `-H "Authorization: Bearer $KEY" -H 'Content-Type: application/json'`;
  const answer = (field: string): string => `| node -p 'JSON.parse(fs.readFileSync(0)).${field}'`;
  return `
MiniRedis is ready (${seconds(took_ms)}).

  HTTP     ${url}   (reference: ${url}/docs)
  Redis    ${config.publicHost}:${config.respPort}
  Home     ${config.home}   (operator's key in credentials.json, logs in logs/)

Paste next, into another terminal:

  KEY=$(node -p 'require("${file}").apiKey')
  TENANT=$(curl -s ${url}/v1/tenants ${headers} \\
    -d '{"name":"acme"}' ${answer('id')})
  NODE=$(curl -s ${url}/v1/tenants/$TENANT/nodes ${headers} \\
    -d '{"name":"cache","memoryLimitMb":64}' ${answer('endpoint.url')})
  redis-cli -u "$NODE" SET greeting hello
  redis-cli -u "$NODE" GET greeting

Ctrl-C stops everything.
`;
}
