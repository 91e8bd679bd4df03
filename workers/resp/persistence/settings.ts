import type { SavingSetting } from '../engine-api.ts';
import type { FsyncPolicy } from './aof/journal.ts';

/** The data is saved once so many seconds have passed and so many changes were made since the last time. */
interface SavePoint {
  readonly seconds: number;
  readonly changes: number;
}

/** How a standalone server keeps its data. */
export interface PersistenceSettings {
  readonly dir: string;
  readonly dbFilename: string;
  readonly appendOnly: boolean;
  readonly appendFsync: FsyncPolicy;
  readonly appendFilename: string;
  readonly appendDirName: string;
  readonly aofLoadTruncated: boolean;
  readonly aofTimestamps: boolean;
  /** Whether the base of the append-only files is an RDB file, or commands. */
  readonly aofUsesRdb: boolean;
  readonly compress: boolean;
  readonly rewritePercentage: number;
  readonly rewriteMinBytes: number;
  readonly savePoints: readonly SavePoint[];
  readonly stopWritesOnSaveError: boolean;
}

/** What holds unless something else is said, by Redis's names. */
const INITIAL: Readonly<Record<SavingSetting, string>> = {
  dir: '.',
  dbfilename: 'dump.rdb',
  appendonly: 'no',
  appendfsync: 'everysec',
  appendfilename: 'appendonly.aof',
  appenddirname: 'appendonlydir',
  'aof-load-truncated': 'yes',
  'aof-timestamp-enabled': 'no',
  'aof-use-rdb-preamble': 'yes',
  rdbcompression: 'yes',
  'auto-aof-rewrite-percentage': '100',
  'auto-aof-rewrite-min-size': '67108864',
  save: '900 1 300 10 60 10000',
  'stop-writes-on-bgsave-error': 'yes',
};

/** What a setting is, as CONFIG shows it. */
export function settingOf(given: ReadonlyMap<string, string>, name: SavingSetting): string {
  return given.get(name) ?? INITIAL[name];
}

/** The settings that are meant by words in their normal form, as CONFIG and the command line have checked them. */
export function settingsFrom(given: ReadonlyMap<string, string>): PersistenceSettings {
  const text = (name: SavingSetting): string => settingOf(given, name);
  const flag = (name: SavingSetting): boolean => text(name) === 'yes';
  const fsync = text('appendfsync');
  return {
    dir: text('dir'),
    dbFilename: text('dbfilename'),
    appendOnly: flag('appendonly'),
    appendFsync: fsync === 'always' || fsync === 'no' ? fsync : 'everysec',
    appendFilename: text('appendfilename'),
    appendDirName: text('appenddirname'),
    aofLoadTruncated: flag('aof-load-truncated'),
    aofTimestamps: flag('aof-timestamp-enabled'),
    aofUsesRdb: flag('aof-use-rdb-preamble'),
    compress: flag('rdbcompression'),
    rewritePercentage: Number(text('auto-aof-rewrite-percentage')),
    rewriteMinBytes: Number(text('auto-aof-rewrite-min-size')),
    savePoints: savePoints(text('save')),
    stopWritesOnSaveError: flag('stop-writes-on-bgsave-error'),
  };
}

/** Save points as CONFIG shows them: `900 1 300 10`. */
function savePoints(text: string): SavePoint[] {
  const numbers = text.split(' ').filter((word) => word !== '');
  const points: SavePoint[] = [];
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    points.push({ seconds: Number(numbers[i]), changes: Number(numbers[i + 1]) });
  }
  return points;
}
