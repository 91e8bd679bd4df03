/** What became of one test of Redis's suite. */
export interface TestCase {
  readonly name: string;
  /** `ignored` is what the suite itself leaves out by a tag; `skipped` what the command line asked to leave out. */
  readonly outcome: 'passed' | 'failed' | 'ignored' | 'skipped';
  /** For a failure what the suite printed about it, for what was ignored the tag. */
  readonly detail: string;
}

/** The cases of one unit, and whether the unit came to its end. */
export interface UnitReport {
  readonly cases: readonly TestCase[];
  readonly finished: boolean;
}

const LINE = /^\[(ok|err|ignore|skip|exception|testing|ready|TIMEOUT|\d+\/\d+ done)\]: ?(.*)$/;
// oxlint-disable-next-line no-control-regex
const COLORS = /\x1b\[[\d;]*m/g;
const IN_UNIT = / in tests\/\S+\.tcl$/;

/** Reads what the suite prints while it runs one unit: `[ok]: name (3 ms)`, `[err]: name in file` and the reason below. */
export function parseTclOutput(output: string): UnitReport {
  const cases: TestCase[] = [];
  let finished = false;
  let current: { name: string; detail: string[] } | undefined;
  const close = (): void => {
    if (current === undefined) return;
    cases.push({ name: current.name, outcome: 'failed', detail: current.detail.join('\n').trim() });
    current = undefined;
  };
  for (const line of output.replace(COLORS, '').split('\n')) {
    const match = LINE.exec(line);
    if (match === null) {
      // The end of the run repeats all failures.
      if (/^\s+The End$/.test(line)) break;
      current?.detail.push(line);
      continue;
    }
    close();
    const [, kind, text] = match as unknown as [string, string, string];
    if (kind === 'ok') cases.push({ name: text.replace(/ \(\d+ ms\)$/, ''), outcome: 'passed', detail: '' });
    else if (kind === 'ignore') {
      const at = text.lastIndexOf(': ');
      const name = text.startsWith('Tag: ') || at < 0 ? '' : text.slice(0, at).replace(/: Tag$/, '');
      cases.push({ name, outcome: 'ignored', detail: text.slice(name === '' ? 0 : name.length + 2) });
    } else if (kind === 'skip') cases.push({ name: text, outcome: 'skipped', detail: '' });
    else if (kind === 'err' || kind === 'exception' || kind === 'TIMEOUT') {
      const name =
        kind === 'err' ? text.replace(IN_UNIT, '') : `(${kind.toLowerCase()}) the unit was not run to its end`;
      current = { name, detail: kind === 'err' ? [] : [text] };
    } else if (kind.endsWith('done')) finished = true;
  }
  close();
  return { cases, finished };
}
