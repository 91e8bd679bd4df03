/**
 * Reads a table of facts about commands: each line is a fact, ` = ` and the commands (or `container|command`) that it is true
 * of. What the fact is, `read` makes of its text.
 */
export function namedBy<Fact>(lines: string, read: (text: string) => Fact): Map<string, Fact> {
  const found = new Map<string, Fact>();
  for (const line of lines.trim().split('\n')) {
    const at = line.lastIndexOf(' = ');
    const fact = read(line.slice(0, at));
    for (const name of line.slice(at + 3).split(' ')) found.set(name, fact);
  }
  return found;
}
