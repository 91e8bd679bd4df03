/**
 * `npm run lock`: adds to package-lock.json the packages of other platforms that a registry mirror does not carry. npm leaves
 * them out there when it installs, and `npm ci` then refuses the lock file as out of step (npm/cli#4828). The entries have a
 * name, a version and a platform and no hash; a platform that needs one gets it from a registry that has it.
 */
import { readFile, writeFile } from 'node:fs/promises';

interface Package {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Record<string, string>;
}

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = ['arm64', 'x64', 'ia32', 'arm', 'ppc64', 's390x', 'riscv64', 'loong64', 'wasm32'];

const path = 'package-lock.json';
const lock = JSON.parse(await readFile(path, 'utf8')) as { packages: Record<string, Package> };

const missing = Object.entries(lock.packages).flatMap(([at, { dev, optionalDependencies = {} }]) =>
  Object.entries(optionalDependencies)
    .filter(([name]) => !(`${at}/node_modules/${name}` in lock.packages) && !(`node_modules/${name}` in lock.packages))
    .map(([name, version]) => [`node_modules/${name}`, entryOf(name, version, dev === true)] as const),
);

function entryOf(name: string, version: string, dev: boolean) {
  const words = name.split(/[/-]/);
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  const musl = words.some((word) => word.startsWith('musl'));
  const glibc = os === 'linux' && words.some((word) => word.startsWith('gnu'));
  const libc = musl ? 'musl' : glibc ? 'glibc' : undefined;
  return {
    version,
    ...(cpu !== undefined && { cpu: [cpu] }),
    ...(dev && { dev: true }),
    ...(libc !== undefined && { libc: [libc] }),
    optional: true,
    ...(os !== undefined && { os: [os] }),
  };
}

if (missing.length > 0) {
  const packages = Object.entries({ ...lock.packages, ...Object.fromEntries(missing) });
  packages.sort(([a], [b]) => a.localeCompare(b, 'en'));
  await writeFile(path, `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`);
}
console.log(`${missing.length} packages of other platforms added to ${path}`);
