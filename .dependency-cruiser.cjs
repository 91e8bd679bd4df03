/** The imports each room of the house may make (../shared/DESIGN.md, "The house"). Everything not allowed here fails `npm run check`. */

/** Composition roots wire the rooms together, so they may import anything. */
const roots =
  '^(gateway/main\\.ts|workers/main\\.ts|projections/main\\.ts|projections/replay/main\\.ts|infra/log/|infra/local/|bench/|test/)';
const specs = '\\.(test|spec)\\.ts$';

/** A rule that forbids a room every project file outside `allowed`. */
const room = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from, pathNot: [roots, specs] },
  to: { path: '^(domains|schemas|infra|projections|workers|gateway|console|cli|sdk|bench|test)/', pathNot: allowed },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'domains-are-pure',
      comment: 'A decider has no I/O and no clock: itself, the kernel and zod are all it may see.',
      severity: 'error',
      from: { path: '^domains/', pathNot: specs },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-peer'], pathNot: 'node_modules/zod/' },
    },
    {
      name: 'domains-see-kernel-and-themselves',
      severity: 'error',
      from: { path: '^domains/([^/]+)/' },
      to: {
        path: '^(domains|schemas|infra|projections|workers|gateway|bench|test)/',
        pathNot: ['^domains/$1/', '^domains/kernel/'],
      },
    },
    room('schemas-see-nothing', '^schemas/', ['^schemas/'], 'Contracts depend on nobody.'),
    room(
      'infra-sees-kernel-and-schemas',
      '^infra/',
      ['^infra/', '^domains/kernel/', '^schemas/'],
      'Adapters know the envelope, not the domains.',
    ),
    {
      name: 'event-log-stands-alone',
      comment:
        'infra/event-log is an event store that another project could use: the envelope, files, and the drivers it needs.',
      severity: 'error',
      from: { path: '^infra/event-log/', pathNot: [specs, '^infra/event-log/testing/'] },
      to: {
        path: '^(domains|schemas|infra|projections|workers|gateway|bench|test)/',
        pathNot: ['^infra/event-log/', '^domains/kernel/', '^infra/object-store/object-store\\.ts$'],
      },
    },
    room(
      'projections-see-events-and-infra',
      '^projections/',
      ['^projections/', '^infra/', '^domains/kernel/', '^domains/[^/]+/events\\.ts$'],
      'Read models are derived from events, never from deciders.',
    ),
    {
      name: 'resp-engine-stands-alone',
      comment: 'workers/resp is a Redis server that could be published on its own.',
      severity: 'error',
      from: { path: '^workers/resp/', pathNot: specs },
      to: { path: '^(domains|schemas|infra|projections|gateway|bench|test|workers/(?!resp/))' },
    },
    {
      name: 'workers-see-only-their-own',
      severity: 'error',
      from: { path: '^workers/([^/]+)/', pathNot: [specs, '^workers/node-manager/'] },
      to: { path: '^workers/', pathNot: ['^workers/$1/'] },
    },
    {
      name: 'node-manager-hosts-resp',
      severity: 'error',
      from: { path: '^workers/node-manager/', pathNot: specs },
      to: { path: '^workers/', pathNot: ['^workers/node-manager/', '^workers/resp/'] },
    },
    room(
      'workers-see-domains-queries-infra',
      '^workers/',
      [
        '^workers/',
        '^domains/',
        '^infra/',
        '^projections/[^/]+/queries\\.ts$',
        '^projections/kernel/consistency\\.ts$',
      ],
      'Workers report by commands and read by queries.',
    ),
    room(
      'gateway-sees-domains-queries-infra',
      '^gateway/',
      [
        '^gateway/',
        '^domains/',
        '^infra/',
        '^schemas/',
        '^sdk/kit/',
        '^projections/[^/]+/(queries|view)\\.ts$',
        '^projections/kernel/',
      ],
      'Routes decide by commands and read by queries.',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
