/** `npm start` with roles of a few lines, so that the supervisor is tested alone. */
import path from 'node:path';

import { parseSettings } from '#infra/config/config.ts';
import { runPlatform } from '#infra/local/run-platform.ts';

const parsed = parseSettings(process.env);
if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
await runPlatform(parsed.settings, path.join(import.meta.dirname, 'local-tiny-role.ts'));
