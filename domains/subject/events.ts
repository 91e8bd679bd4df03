import type { DomainEvent } from '../kernel/decider.ts';

export type SubjectEvent = DomainEvent<'SubjectErased', { subject: string }>;

/** The stream of one person or organisation whose personal data the log holds encrypted, by the id that the data is about. */
export const subjectStream = (subject: string) => `subject-${subject}`;
