import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { boundOf, ratioOf, type Figure } from './figure.ts';

/** Three digits are all that such figures are worth. */
const short = (value: number | null): string =>
  value === null ? '' : value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));

function row(figure: Figure): string {
  const { name, peer, ours, theirs, unit, spread } = figure;
  const ratio = ratioOf(figure);
  const range = spread === undefined ? '' : ` (${spread.map(short).join(' to ')})`;
  const bound = boundOf(figure);
  const verdict = bound === undefined ? '' : `${bound.bound}: ${bound.met ? 'met' : '**missed**'}`;
  return `| ${name} | ${short(ours)} ${unit} | ${theirs === null ? '' : `${peer}: ${short(theirs)}`} | ${short(ratio)}${range} | ${verdict} |`;
}

/** Writes the figures of a run as a page of Markdown, with the machine they were measured on. */
export async function writePage(file: string, command: string, figures: readonly Figure[]): Promise<void> {
  const machine = `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
  const head = [
    '# Figures of one run',
    '',
    `Written by \`${command}\` on ${new Date().toISOString().slice(0, 10)}; not edited. What each figure means is in [performance.md](performance.md). Machine: ${machine}.`,
    '',
    '| figure | ours | theirs | ratio (lowest to highest of the rounds) | bound |',
    '|---|---|---|---|---|',
  ];
  await writeFile(file, `${[...head, ...figures.map(row)].join('\n')}\n`);
}
