import type { Client } from '../clients/server.ts';
import { REDIS_VERSION } from '../version.ts';
import { integerArg } from './arguments.ts';
import type { CommandSpec } from './command.ts';

const WIDTH = 60;
const HEIGHT = 12;
const SHADES = ' .:-=+*#';

/** Waves that cross each other, another picture each time. */
function picture(): string {
  const waves = Array.from({ length: 3 }, () => ({
    x: (Math.random() - 0.5) * 0.5,
    y: (Math.random() - 0.5) * 1.2,
    phase: Math.random() * 2 * Math.PI,
  }));
  const rows: string[] = [];
  for (let y = 0; y < HEIGHT; y++) {
    let row = '';
    for (let x = 0; x < WIDTH; x++) {
      const height = waves.reduce((sum, wave) => sum + Math.sin(x * wave.x + y * wave.y + wave.phase), 0);
      row += SHADES[Math.min(SHADES.length - 1, Math.floor(((height + 3) / 6) * SHADES.length))]!;
    }
    rows.push(`${row}\n`);
  }
  return rows.join('');
}

/** LOLWUT [VERSION n …]: something to look at, and the version. What versions take beside their number is theirs, and not looked at. */
function lolwut(client: Client, args: readonly string[]): void {
  const version = args[1]?.toUpperCase() === 'VERSION' ? args[2] : undefined;
  if (version !== undefined && integerArg(client, version) === undefined) return;
  client.reply.verbatim(`${picture()}\nRedis ver. ${REDIS_VERSION}\n`);
}

export const lolwutCommands: readonly CommandSpec[] = [
  {
    name: 'lolwut',
    arity: -1,
    flags: 'readonly fast',
    group: 'server',
    since: '5.0.0',
    summary: 'Displays computer art and the Redis version.',
    run: lolwut,
  },
];
