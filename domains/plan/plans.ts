/** What a node of a tenant on a plan may do in a second, read and written bytes together; 0 means no limit. */
export interface PlanRates {
  readonly commandsPerSecond: number;
  readonly bytesPerSecond: number;
}

const megabyte = 2 ** 20;

/** The plan of tenants who chose none. */
export const DEFAULT_PLAN = 'standard';

const standard: PlanRates = { commandsPerSecond: 2_000_000, bytesPerSecond: 4000 * megabyte };

/** The plans, and what they give to each node. */
const plans: ReadonlyMap<string, PlanRates> = new Map([
  ['free', { commandsPerSecond: 10_000, bytesPerSecond: 16 * megabyte }],
  [DEFAULT_PLAN, standard],
  ['pro', { commandsPerSecond: 0, bytesPerSecond: 0 }],
]);

/** The rates of a plan by its name; a name that is not in the table is an arrangement of its own, with those of the default. */
export function ratesOf(plan: string): PlanRates {
  return plans.get(plan) ?? standard;
}

/** What a node may do by its plan and within what the host allows any node. */
export function ratesWithin(plan: PlanRates, host: PlanRates): PlanRates {
  return {
    commandsPerSecond: lower(plan.commandsPerSecond, host.commandsPerSecond),
    bytesPerSecond: lower(plan.bytesPerSecond, host.bytesPerSecond),
  };
}

/** The lower of two limits, of which 0 is none. */
function lower(one: number, other: number): number {
  return one === 0 || other === 0 ? Math.max(one, other) : Math.min(one, other);
}
