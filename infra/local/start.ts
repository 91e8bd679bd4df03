/** `npm start`. Only turns on the cache of compiled code, for itself and for its children, before anything else is imported. */
import { enableCompileCache } from 'node:module';
import path from 'node:path';

const folder = path.resolve(import.meta.dirname, '../../node_modules/.cache/miniredis');
const { directory } = enableCompileCache(folder);
if (directory !== undefined) process.env['NODE_COMPILE_CACHE'] ??= folder;

const { main } = await import('./main.ts');
await main(process.argv.slice(2));
