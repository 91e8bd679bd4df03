import { parseInteger } from '../protocol/numbers.ts';

/** The data is saved once so many seconds have passed and so many changes were made since the last time. */
export interface SavePoint {
  readonly seconds: number;
  readonly changes: number;
}

/** What redis.conf has proposed since the first versions. */
export const DEFAULT_SAVE_POINTS: readonly SavePoint[] = [
  { seconds: 900, changes: 1 },
  { seconds: 300, changes: 10 },
  { seconds: 60, changes: 10_000 },
];

/** Save points as CONFIG SET takes them, `900 1 300 10`; undefined when they make no sense. */
export function parseSavePoints(text: string): SavePoint[] | undefined {
  const words = text.split(/\s+/).filter((word) => word !== '');
  if (words.length % 2 === 1) return undefined;
  const points: SavePoint[] = [];
  for (let i = 0; i < words.length; i += 2) {
    const seconds = parseInteger(words[i]!);
    const changes = parseInteger(words[i + 1]!);
    if (seconds === undefined || changes === undefined || seconds < 1 || changes < 0) return undefined;
    points.push({ seconds, changes });
  }
  return points;
}

/** Save points as CONFIG GET shows them. */
export function formatSavePoints(points: readonly SavePoint[]): string {
  return points.map(({ seconds, changes }) => `${seconds} ${changes}`).join(' ');
}
