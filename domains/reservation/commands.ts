import type { DomainCommand } from '../kernel/decider.ts';

export type ReservationCommand =
  | DomainCommand<'ReserveName', { holder: string }>
  | DomainCommand<'ReleaseName', { holder: string }>;
