/**
 * A process that appends as fast as it can and prints what was acknowledged, a JSON line per append:
 * `node writer.ts <database url> <name> <callers> <appends per caller>`. Every other append goes to one stream that all writers share.
 */
import { appendOf, openLog, said } from './log-under-test.ts';

const [url = '', name = '', callers = '', each = ''] = process.argv.slice(2);
const under = openLog(url, { name });

async function call(caller: number): Promise<void> {
  for (let n = 0; n < Number(each); n += 1) {
    const id = `${name}-${caller}-${n}`;
    const result = await under.log.append(
      n % 2 === 0
        ? appendOf([`node-${id}`, 'no-stream', said(id), said(id)])
        : appendOf(['node-shared', 'any', said(id)], [`node-${name}-${caller}-${n - 1}`, 1]),
    );
    if (!result.ok || result.repeated) throw new Error(`append ${id} was not recorded as new`);
    process.stdout.write(
      `${JSON.stringify({ id, first: String(result.firstPosition), last: String(result.lastPosition) })}\n`,
    );
  }
}

await Promise.all(Array.from({ length: Number(callers) }, (_, caller) => call(caller)));
await under.close();
