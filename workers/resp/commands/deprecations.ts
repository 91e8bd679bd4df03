/** Commands that have better ones beside them: since when, and what to use instead. */
const LINES = `
cluster|slots 7.0.0 \`CLUSTER SHARDS\`
cluster|slaves 5.0.0 \`CLUSTER REPLICAS\`
brpoplpush 6.2.0 \`BLMOVE\` with the \`RIGHT\` and \`LEFT\` arguments
georadius 6.2.0 \`GEOSEARCH\` and \`GEOSEARCHSTORE\` with the \`BYRADIUS\` argument
georadius_ro 6.2.0 \`GEOSEARCH\` with the \`BYRADIUS\` argument
georadiusbymember 6.2.0 \`GEOSEARCH\` and \`GEOSEARCHSTORE\` with the \`BYRADIUS\` and \`FROMMEMBER\` arguments
georadiusbymember_ro 6.2.0 \`GEOSEARCH\` with the \`BYRADIUS\` and \`FROMMEMBER\` arguments
getset 6.2.0 \`SET\` with the \`!GET\` argument
hmset 4.0.0 \`HSET\` with multiple field-value pairs
psetex 2.6.12 \`SET\` with the \`PX\` argument
quit 7.2.0 just closing the connection
rpoplpush 6.2.0 \`LMOVE\` with the \`RIGHT\` and \`LEFT\` arguments
setex 2.6.12 \`SET\` with the \`EX\` argument
setnx 2.6.12 \`SET\` with the \`NX\` argument
slaveof 5.0.0 \`REPLICAOF\`
substr 2.0.0 \`GETRANGE\`
zrangebylex 6.2.0 \`ZRANGE\` with the \`BYLEX\` argument
zrangebyscore 6.2.0 \`ZRANGE\` with the \`BYSCORE\` argument
zrevrange 6.2.0 \`ZRANGE\` with the \`REV\` argument
zrevrangebylex 6.2.0 \`ZRANGE\` with the \`REV\` and \`BYLEX\` arguments
zrevrangebyscore 6.2.0 \`ZRANGE\` with the \`REV\` and \`BYSCORE\` arguments
`;

/** What COMMAND DOCS remarks on a command. */
interface Remarks {
  readonly flag: 'deprecated' | 'syscmd';
  readonly deprecated?: { readonly deprecated_since: string; readonly replaced_by: string };
}

const remarks = new Map<string, Remarks>(
  ['debug', 'pfdebug', 'pfselftest', 'replconf', 'restore-asking'].map((name) => [name, { flag: 'syscmd' }]),
);
for (const line of LINES.trim().split('\n')) {
  const [, name, since, instead] = /^(\S+) (\S+) (.+)$/.exec(line)!;
  remarks.set(name!, { flag: 'deprecated', deprecated: { deprecated_since: since!, replaced_by: instead! } });
}

/** The remarks on a command, if there are any. */
export function remarksOn(fullName: string): Remarks | undefined {
  return remarks.get(fullName);
}
