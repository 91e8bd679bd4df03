import type { Config } from '#infra/config/config.ts';
import type { Logger } from '#infra/logging/log.ts';

import type { RunningRole, StartRole } from './role.ts';

/** One row of the table of roles. */
interface Role {
  /** The composition root whose `startRole(name, config, log)` starts it; undefined where the role is not built yet. */
  readonly module: string | undefined;
  /** Whether the role serves `/livez` and `/readyz` itself. */
  readonly servesProbes: boolean;
  /** Whether it talks to Temporal; the others run without its address. */
  readonly needsTemporal: boolean;
}

const planned: Role = { module: undefined, servesProbes: false, needsTemporal: false };
const worker: Role = { module: '#workers/main.ts', servesProbes: false, needsTemporal: false };

/** Every role of the design. Modules are imported only when their role starts, so a process carries its own role's code alone. */
const roles: Readonly<Record<string, Role>> = {
  gateway: { module: '#gateway/main.ts', servesProbes: true, needsTemporal: false },
  backend: worker,
  'node-manager': worker,
  backup: { ...worker, needsTemporal: true },
  auth: planned,
  monitoring: planned,
  pubsub: planned,
  scheduler: planned,
  alert: planned,
  audit: planned,
  relay: worker,
};

/** The roles that one command starts, all of those that exist. */
export const availableRoles: readonly string[] = Object.keys(roles).filter((name) => roles[name]?.module !== undefined);

/** Why no such role can be started, as a sentence; undefined when it can. */
export function whyNot(name: string): string | undefined {
  if (!Object.hasOwn(roles, name)) return `There is no role "${name}": the roles are ${availableRoles.join(', ')}.`;
  if (roles[name]?.module === undefined) {
    return `The role "${name}" is not available yet: the roles are ${availableRoles.join(', ')}.`;
  }
  return undefined;
}

/** Whether the role answers `/livez` and `/readyz` on a port of its own accord. */
export function servesProbes(name: string): boolean {
  return roles[name]?.servesProbes ?? false;
}

/** Whether the role cannot run without Temporal's address. */
export function needsTemporal(name: string): boolean {
  return roles[name]?.needsTemporal ?? false;
}

/** Imports the role's code. */
export async function loadRole(name: string): Promise<StartRole> {
  const specifier = roles[name]?.module;
  if (specifier === undefined) throw new Error(whyNot(name));
  const loaded = (await import(specifier)) as { startRole?: unknown };
  const { startRole } = loaded;
  if (typeof startRole !== 'function') throw new Error(`${specifier} exports no function startRole`);
  return (config: Config, log: Logger) => (startRole as Starter)(name, config, log);
}

type Starter = (name: string, config: Config, log: Logger) => Promise<RunningRole>;
