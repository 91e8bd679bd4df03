import type { DomainCommand } from '../kernel/decider.ts';

export type SubjectCommand = DomainCommand<'EraseSubject', { subject: string }>;
