/** `node appender.ts <url> <callers>`: for each number of seconds on standard input, appends so long and prints the rate. */
import { createInterface } from 'node:readline';
import { load } from './load.ts';
import { openOurs } from './store.ts';

const [url = '', callers = ''] = process.argv.slice(2);
const store = openOurs(url);
await load(store, Number(callers), 0.5);
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  console.log((await load(store, Number(callers), Number(line))).perSecond);
}
await store.close();
