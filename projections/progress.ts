import type { Progress } from './kernel/fill.ts';

/** Shows how far a fill has come: a bar on a terminal, else a line every few seconds. */
export interface ShownProgress {
  readonly report: Progress;
  done(): void;
}

const width = 30;
const barEvery_ms = 100;
const lineEvery_ms = 5000;

/** Writes to standard error, so that standard output holds results alone. */
export function watchProgress(what: string): ShownProgress {
  const { stderr } = process;
  const startedAt = performance.now();
  let shownAt = startedAt;
  let shown = false;
  return {
    report(position, target) {
      const now = performance.now();
      if (position === 0n) return;
      if (now - shownAt < (stderr.isTTY ? barEvery_ms : lineEvery_ms)) return;
      shownAt = now;
      shown = true;
      const rate = Number(position) / ((now - startedAt) / 1000);
      const left_s = Number(target - position) / rate;
      const share = target === 0n ? 1 : Number(position) / Number(target);
      const bar = '#'.repeat(Math.round(share * width)).padEnd(width, '.');
      const figures = `${position} of ${target} events, ${Math.round(rate)}/s, ${left_s.toFixed(0)} s left`;
      stderr.write(stderr.isTTY ? `\r${what} [${bar}] ${figures}\u001B[K` : `${what}: ${figures}\n`);
    },
    done() {
      if (shown && stderr.isTTY) stderr.write('\r\u001B[K');
    },
  };
}
