import { keys, numbered, type PauseGroup } from './group.ts';

export const clientsPauses: readonly PauseGroup[] = [
  {
    name: 'clients',
    fill: () => [],
    clients: {
      count: 5000,
      run: [
        ['SUBSCRIBE', 'channel'],
        ['PSUBSCRIBE', 'ch*'],
      ],
    },
    cases: [
      ['PUBLISH', [['PUBLISH', 'channel', 'message']]],
      ['PUBLISH of 100 KB', [['PUBLISH', 'channel', 'x'.repeat(100_000)]]],
      ['CLIENT LIST', [['CLIENT', 'LIST']]],
      ['CLIENT KILL none', [['CLIENT', 'KILL', 'TYPE', 'master']]],
      ['INFO', [['INFO', 'everything']]],
      [
        'PUBSUB',
        [
          ['PUBSUB', 'CHANNELS'],
          ['PUBSUB', 'NUMSUB', 'channel'],
        ],
      ],
      [
        'SUBSCRIBE to 200,000',
        [['SUBSCRIBE', ...numbered(200_000, 'channel:')], ['PUBSUB', 'CHANNELS'], ['UNSUBSCRIBE']],
      ],
      [
        'PSUBSCRIBE to 20,000',
        [['PSUBSCRIBE', ...numbered(20_000, 'pattern:*')], ['PUBLISH', 'channel', 'x'], ['PUNSUBSCRIBE']],
      ],
      ['UNSUBSCRIBE of arguments', [['UNSUBSCRIBE', ...numbered(200_000, 'channel:')]]],
    ],
  },
  {
    name: 'users',
    fill: keys,
    cases: [
      [
        'ACL SETUSER of many rules',
        [['ACL', 'SETUSER', 'many', 'on', '>pw', '+@all', ...numbered(1500, '~key:')]],
        { before: [['ACL', 'DELUSER', 'many']] },
      ],
      [
        'ACL LIST',
        [
          ['ACL', 'LIST'],
          ['ACL', 'GETUSER', 'many'],
        ],
      ],
      ['ACL DRYRUN', [['ACL', 'DRYRUN', 'many', 'MGET', ...numbered(1000, 'key:')]]],
      [
        'SLOWLOG, LATENCY',
        [
          ['SLOWLOG', 'GET', '-1'],
          ['LATENCY', 'HISTOGRAM'],
        ],
      ],
      [
        'CONFIG SET',
        [
          ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru'],
          ['CONFIG', 'SET', 'maxmemory-policy', 'noeviction'],
        ],
      ],
      [
        'eviction',
        [
          ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru'],
          ['CONFIG', 'SET', 'maxmemory', '20mb'],
          ['SET', 'a', 'b'],
          ['SET', 'a', 'c'],
          ['CONFIG', 'SET', 'maxmemory', '0'],
        ],
      ],
      ['BGSAVE', [['BGSAVE']]],
    ],
  },
];
