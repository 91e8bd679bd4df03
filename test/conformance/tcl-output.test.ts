import { expect, test } from 'vitest';
import { parseTclOutput } from './tcl-output.ts';

const OUTPUT = `Starting test server at port 23968
[ready]: 10
\x1b[1;37;49mTesting unit/scan\x1b[0m
[\x1b[0;32;49mok\x1b[0m]: SCAN (basic): all (12 ms)
[\x1b[0;31;49merr\x1b[0m]: SCAN TYPE in tests/unit/scan.tcl
Expected 'a' to be equal to 'b'
a second line
[\x1b[0;36;49mignore\x1b[0m]: SSCAN: x: Tag: needs:debug denied
[\x1b[0;36;49mignore\x1b[0m]: Not supported on external server
[1/1 \x1b[0;33;49mdone\x1b[0m]: unit/scan (1 seconds)

                   The End

*** [err]: SCAN TYPE in tests/unit/scan.tcl
`;

test('each case is counted once, with what was printed about it', () => {
  const { cases, finished } = parseTclOutput(OUTPUT);
  expect(finished).toBe(true);
  expect(cases).toEqual([
    { name: 'SCAN (basic): all', outcome: 'passed', detail: '' },
    { name: 'SCAN TYPE', outcome: 'failed', detail: "Expected 'a' to be equal to 'b'\na second line" },
    { name: 'SSCAN: x', outcome: 'ignored', detail: 'Tag: needs:debug denied' },
    { name: '', outcome: 'ignored', detail: 'Not supported on external server' },
  ]);
});

test('a unit that throws is not finished', () => {
  const { cases, finished } = parseTclOutput('[ok]: a (1 ms)\n[exception]: Executing test client: boom\nmore\n');
  expect(finished).toBe(false);
  expect(cases.map(({ outcome }) => outcome)).toEqual(['passed', 'failed']);
});
