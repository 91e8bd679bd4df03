import type { Reply } from '../protocol/reply.ts';
import { hasArguments, writeArguments } from './command-arguments.ts';
import type { Command } from './command.ts';
import { complexityOf } from './complexities.ts';
import { remarksOn } from './deprecations.ts';
import { historyOf } from './histories.ts';

/** Writes the name of a command and what COMMAND DOCS tells of it and of its subcommands. */
export function writeDocumentation(reply: Reply, command: Command): void {
  const fields = fieldsOf(command);
  reply.bulk(command.fullName);
  reply.map(fields.length);
  for (const [name, write] of fields) {
    reply.bulk(name);
    write(reply);
  }
}

type Field = readonly [name: string, write: (reply: Reply) => void];

const text = (name: string, value: string): Field => [name, (reply) => reply.bulk(value)];

/** The fields in Redis's order; those of which nothing is known are left out. */
function fieldsOf({ spec, fullName, subcommands }: Command): readonly Field[] {
  const fields = [text('summary', spec.summary), text('since', spec.since), text('group', spec.group)];
  const complexity = complexityOf(fullName);
  if (complexity !== undefined) fields.push(text('complexity', complexity));
  const remarks = remarksOn(fullName);
  if (remarks !== undefined) fields.push(['doc_flags', (reply) => writeFlag(reply, remarks.flag)]);
  for (const [name, value] of Object.entries(remarks?.deprecated ?? {})) fields.push(text(name, value));
  const history = historyOf(fullName);
  if (history.length > 0) fields.push(['history', (reply) => writeHistory(reply, history)]);
  if (hasArguments(fullName)) fields.push(['arguments', (reply) => writeArguments(reply, fullName)]);
  if (subcommands !== undefined) fields.push(['subcommands', (reply) => writeAll(reply, subcommands)]);
  return fields;
}

function writeFlag(reply: Reply, flag: string): void {
  reply.set(1);
  reply.simple(flag);
}

function writeHistory(reply: Reply, history: ReturnType<typeof historyOf>): void {
  reply.set(history.length);
  for (const change of history) {
    reply.array(2);
    for (const part of change) reply.bulk(part);
  }
}

function writeAll(reply: Reply, subcommands: ReadonlyMap<string, Command>): void {
  reply.map(subcommands.size);
  for (const sub of subcommands.values()) writeDocumentation(reply, sub);
}
