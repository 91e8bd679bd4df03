import { copyOf, numbered, type PauseGroup } from './group.ts';

export const streamsPauses: readonly PauseGroup[] = [
  {
    name: 'stream',
    *fill(size) {
      const entries = size / 4;
      for (let n = 1; n <= entries; n++) yield ['XADD', 'stream', `${n}-1`, 'field', `value:${n}`];
      yield ['XGROUP', 'CREATE', 'stream', 'read', '0'];
      for (let n = 0; n < entries; n += 1000) {
        yield ['XREADGROUP', 'GROUP', 'read', `consumer`, 'COUNT', '1000', 'STREAMS', 'stream', '>'];
      }
    },
    cases: [
      ['XRANGE', [['XRANGE', 'stream', '-', '+']]],
      ['XREVRANGE', [['XREVRANGE', 'stream', '+', '-']]],
      ['XREAD', [['XREAD', 'STREAMS', 'stream', '0']]],
      [
        'XREADGROUP',
        [['XREADGROUP', 'GROUP', 'new', 'consumer', 'STREAMS', 'stream', '>']],
        {
          before: [
            ['XGROUP', 'DESTROY', 'stream', 'new'],
            ['XGROUP', 'CREATE', 'stream', 'new', '0'],
          ],
        },
      ],
      [
        'XREADGROUP NOACK',
        [['XREADGROUP', 'GROUP', 'new', 'consumer', 'NOACK', 'STREAMS', 'stream', '>']],
        {
          before: [
            ['XGROUP', 'DESTROY', 'stream', 'new'],
            ['XGROUP', 'CREATE', 'stream', 'new', '0'],
          ],
        },
      ],
      ['XREADGROUP of the history', [['XREADGROUP', 'GROUP', 'read', 'consumer', 'STREAMS', 'stream', '0']]],
      ['XPENDING', [['XPENDING', 'stream', 'read']]],
      ['XPENDING extended', [['XPENDING', 'stream', 'read', 'IDLE', '0', '-', '+', '1000000']]],
      ['XPENDING of a consumer', [['XPENDING', 'stream', 'read', '-', '+', '1000000', 'consumer']]],
      ['XAUTOCLAIM', [['XAUTOCLAIM', 'stream', 'read', 'other', '0', '0', 'COUNT', '1000000']]],
      ['XAUTOCLAIM JUSTID', [['XAUTOCLAIM', 'stream', 'read', 'consumer', '0', '0', 'COUNT', '1000000', 'JUSTID']]],
      [
        'XCLAIM of arguments',
        [['XCLAIM', 'stream', 'read', 'other', '0', ...numbered(100_000, '').map((n) => `${n}-1`)]],
      ],
      ['XINFO STREAM FULL', [['XINFO', 'STREAM', 'stream', 'FULL', 'COUNT', '0']]],
      ['XINFO STREAM', [['XINFO', 'STREAM', 'stream']]],
      [
        'XACK of arguments',
        [['XACK', 'copy', 'read', ...numbered(100_000, '').map((n) => `${n}-1`)]],
        copyOf('stream'),
      ],
      ['XDEL of arguments', [['XDEL', 'copy', ...numbered(100_000, '').map((n) => `${n}-1`)]], copyOf('stream')],
      ['XTRIM', [['XTRIM', 'copy', 'MAXLEN', '10']], copyOf('stream')],
      ['XADD MAXLEN', [['XADD', 'copy', 'MAXLEN', '10', '*', 'a', 'b']], copyOf('stream')],
      ['XADD of arguments', [['XADD', 'wide', '*', ...numbered(200_000, 'x')]]],
      ['XGROUP DESTROY', [['XGROUP', 'DESTROY', 'copy', 'read']], copyOf('stream')],
      ['XGROUP DELCONSUMER', [['XGROUP', 'DELCONSUMER', 'copy', 'read', 'consumer']], copyOf('stream')],
      ['XGROUP CREATE', [['XGROUP', 'CREATE', 'copy', 'second', '100-0']], copyOf('stream')],
      ['XSETID', [['XSETID', 'copy', '99999999-1']], copyOf('stream')],
      ['COPY of a stream', [['COPY', 'stream', 'copy', 'REPLACE']]],
      ['DUMP of a stream', [['DUMP', 'stream']]],
      ['DEL of a stream', [['DEL', 'copy']], copyOf('stream')],
    ],
  },
];
