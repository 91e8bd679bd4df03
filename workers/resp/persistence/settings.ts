import { parseMemory } from '../commands/config.ts';
import type { Setting } from '../engine-api.ts';
import { parseInteger } from '../protocol/numbers.ts';
import type { FsyncPolicy } from './aof/journal.ts';
import { DEFAULT_SAVE_POINTS, formatSavePoints, parseSavePoints } from './save-points.ts';
import type { SavePoint } from './save-points.ts';

/** How a standalone server keeps its data, by Redis's own names in words. */
export interface PersistenceSettings {
  dir: string;
  dbFilename: string;
  appendOnly: boolean;
  appendFsync: FsyncPolicy;
  appendFilename: string;
  appendDirName: string;
  aofLoadTruncated: boolean;
  aofTimestamps: boolean;
  rewritePercentage: number;
  rewriteMinBytes: number;
  savePoints: readonly SavePoint[];
  stopWritesOnSaveError: boolean;
}

export function defaultSettings(): PersistenceSettings {
  return {
    dir: '.',
    dbFilename: 'dump.rdb',
    appendOnly: false,
    appendFsync: 'everysec',
    appendFilename: 'appendonly.aof',
    appendDirName: 'appendonlydir',
    aofLoadTruncated: true,
    aofTimestamps: false,
    rewritePercentage: 100,
    rewriteMinBytes: 67_108_864,
    savePoints: DEFAULT_SAVE_POINTS,
    stopWritesOnSaveError: true,
  };
}

/** The settings by Redis's names. Whoever applies them is told of each change by `changed`. */
export function settingsByName(
  settings: PersistenceSettings,
  changed: (name: string) => void,
): ReadonlyMap<string, Setting> {
  const set = (name: string, apply: (value: string) => string | undefined) => (value: string) => {
    const problem = apply(value);
    if (problem === undefined) changed(name);
    return problem;
  };
  const text = (key: 'dir' | 'dbFilename' | 'appendFilename' | 'appendDirName', name: string, file: boolean): Setting => ({
    startOnly: key === 'appendFilename' || key === 'appendDirName',
    get: () => settings[key],
    set: set(name, (value) => {
      if (file && value.includes('/')) return `${name} can't be a path, just a filename`;
      if (value === '') return `${name} can't be empty`;
      settings[key] = value;
      return undefined;
    }),
  }); // prettier-ignore
  const flag = (key: 'appendOnly' | 'aofLoadTruncated' | 'aofTimestamps' | 'stopWritesOnSaveError', name: string) => ({
    get: () => (settings[key] ? 'yes' : 'no'),
    set: set(name, (value) => {
      if (!/^(?:yes|no)$/i.test(value)) return 'argument must be \'yes\' or \'no\'';
      settings[key] = value.toLowerCase() === 'yes';
      return undefined;
    }),
  }); // prettier-ignore
  return new Map<string, Setting>([
    ['dir', text('dir', 'dir', false)],
    ['dbfilename', text('dbFilename', 'dbfilename', true)],
    ['appendfilename', text('appendFilename', 'appendfilename', true)],
    ['appenddirname', text('appendDirName', 'appenddirname', true)],
    ['appendonly', flag('appendOnly', 'appendonly')],
    ['aof-load-truncated', flag('aofLoadTruncated', 'aof-load-truncated')],
    ['aof-timestamp-enabled', flag('aofTimestamps', 'aof-timestamp-enabled')],
    ['stop-writes-on-bgsave-error', flag('stopWritesOnSaveError', 'stop-writes-on-bgsave-error')],
    [
      'appendfsync',
      {
        get: () => settings.appendFsync,
        set: set('appendfsync', (value) => {
          const policy = value.toLowerCase();
          if (policy !== 'always' && policy !== 'everysec' && policy !== 'no')
            return 'argument(s) must be one of the following: everysec, always, no';
          settings.appendFsync = policy;
          return undefined;
        }),
      },
    ],
    [
      'auto-aof-rewrite-percentage',
      {
        get: () => String(settings.rewritePercentage),
        set: set('auto-aof-rewrite-percentage', (value) => {
          const percentage = parseInteger(value);
          if (percentage === undefined) return "argument couldn't be parsed into an integer";
          if (percentage < 0 || percentage > 2_147_483_647)
            return 'argument must be between 0 and 2147483647 inclusive';
          settings.rewritePercentage = percentage;
          return undefined;
        }),
      },
    ],
    [
      'auto-aof-rewrite-min-size',
      {
        get: () => String(settings.rewriteMinBytes),
        set: set('auto-aof-rewrite-min-size', (value) => {
          const bytes = parseMemory(value);
          if (bytes === undefined) return 'argument must be a memory value';
          settings.rewriteMinBytes = bytes;
          return undefined;
        }),
      },
    ],
    [
      'save',
      {
        get: () => formatSavePoints(settings.savePoints),
        set: set('save', (value) => {
          const points = parseSavePoints(value);
          if (points === undefined) return 'Invalid save parameters';
          settings.savePoints = points;
          return undefined;
        }),
      },
    ],
    ['aof-use-rdb-preamble', { get: () => 'yes' }],
    ['rdbcompression', { get: () => 'no' }],
    ['rdbchecksum', { get: () => 'yes' }],
  ]);
}
