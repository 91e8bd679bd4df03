import { describe, it } from 'vitest';
import { specOf } from '../kernel/spec.ts';
import { subjectDecider } from './decider.ts';

const { given } = specOf(subjectDecider);
const data = { subject: 'tnt_1' };

describe('subject', () => {
  it('known × EraseSubject → erased', () => {
    given().when({ type: 'EraseSubject', data }).then({ type: 'SubjectErased', data });
  });
  it('erased × EraseSubject → nothing', () => {
    given({ type: 'SubjectErased', data }).when({ type: 'EraseSubject', data }).thenNothing();
  });
});
