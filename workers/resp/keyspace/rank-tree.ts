import { arrayBytes } from './sizes.ts';

const LEAF_MAX = 128;
const INNER_MAX = 64;

interface Leaf {
  readonly leaf: true;
  size: number;
  /** A lower bound of the keys below, fixed when the node is made; the leftmost child's is never looked at. */
  readonly lowScore: number;
  readonly lowMember: string;
  members: string[];
  scores: number[];
}

interface Inner {
  readonly leaf: false;
  size: number;
  readonly lowScore: number;
  readonly lowMember: string;
  children: Branch[];
}

type Branch = Leaf | Inner;

/** True for the entries that lie before the place that is looked for; it must not turn true again after it was false. */
export type Before = (score: number, member: string) => boolean;

/** How many leaves a tree has. */
interface LeafCount {
  leaves: number;
}

/** A leaf's object, and a share of the branches above it. */
const LEAF_BYTES = 96;
/** The arrays of a leaf that was split and has grown again have room for 112 or 184 entries. */
const LEAF_ARRAY_BYTES = 48 + 170 * 8;
/** The tree itself. */
const TREE_BYTES = 72;

/**
 * Members ordered by score, then by bytes, in a counted B+ tree: insert, delete, rank and access by rank take
 * logarithmic time, and ranges are walked leaf by leaf. A tree of up to 128 members is one leaf, two plain arrays.
 */
export class RankTree {
  private root: Branch = newLeaf(0, '', [], []);
  private readonly leaves: LeafCount = { leaves: 1 };

  get size(): number {
    return this.root.size;
  }

  /** About how many bytes it takes without the members themselves. */
  get bytes(): number {
    const { leaves } = this.leaves;
    return TREE_BYTES + leaves * LEAF_BYTES + 2 * (leaves === 1 ? arrayBytes(this.size) : leaves * LEAF_ARRAY_BYTES);
  }

  /** Adds an entry that must not be there yet. */
  insert(score: number, member: string): void {
    const right = insertInto(this.root, score, member, this.leaves);
    if (right === undefined) return;
    const { root } = this;
    this.root = { leaf: false, size: root.size + right.size, lowScore: 0, lowMember: '', children: [root, right] };
  }

  /** Removes an entry that must be there. */
  delete(score: number, member: string): void {
    deleteFrom(this.root, score, member, this.leaves);
    while (!this.root.leaf && this.root.children.length === 1) this.root = this.root.children[0]!;
    if (this.root.size > 0) return;
    this.root = newLeaf(0, '', [], []);
    this.leaves.leaves = 1;
  }

  /** How many entries lie before the first one for which `before` is false. */
  rankOf(before: Before): number {
    let rank = 0;
    let branch = this.root;
    while (!branch.leaf) {
      const { children } = branch;
      let next = 0;
      while (next + 1 < children.length && before(children[next + 1]!.lowScore, children[next + 1]!.lowMember)) {
        rank += children[next]!.size;
        next++;
      }
      branch = children[next]!;
    }
    return rank + firstNotBefore(branch, before);
  }

  /** The rank of an entry that must be there. */
  rank(score: number, member: string): number {
    return this.rankOf((s, m) => s < score || (s === score && m < member));
  }

  /** Visits the entries of rank `start` to `end` (inclusive, in range), in order. */
  range(start: number, end: number, visit: (score: number, member: string) => void): void {
    if (end >= start) rangeOf(this.root, start, end, visit);
  }

  /** The score of a member, searched one by one: for small trees only. */
  search(member: string): number | undefined {
    let found: number | undefined;
    if (this.root.leaf) {
      const at = this.root.members.indexOf(member);
      return at < 0 ? undefined : this.root.scores[at];
    }
    this.range(0, this.size - 1, (score, other) => {
      if (other === member) found = score;
    });
    return found;
  }
}

function newLeaf(lowScore: number, lowMember: string, members: string[], scores: number[]): Leaf {
  return { leaf: true, size: members.length, lowScore, lowMember, members, scores };
}

function firstNotBefore(leaf: Leaf, before: Before): number {
  let low = 0;
  let high = leaf.size;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (before(leaf.scores[middle]!, leaf.members[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function positionIn(leaf: Leaf, score: number, member: string): number {
  let low = 0;
  let high = leaf.members.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const s = leaf.scores[middle]!;
    if (s < score || (s === score && leaf.members[middle]! < member)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The child that holds, or would hold, an entry. */
function childFor(inner: Inner, score: number, member: string): number {
  let low = 0;
  let high = inner.children.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    const child = inner.children[middle]!;
    if (child.lowScore < score || (child.lowScore === score && child.lowMember <= member)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Inserts below a branch; returns the new right half when the branch had to be split. */
function insertInto(branch: Branch, score: number, member: string, count: LeafCount): Branch | undefined {
  branch.size++;
  if (branch.leaf) {
    const at = positionIn(branch, score, member);
    branch.members.splice(at, 0, member);
    branch.scores.splice(at, 0, score);
    if (branch.size <= LEAF_MAX) return undefined;
    // Appending in order is common (a leaderboard by time), and a full left leaf then wastes nothing.
    const cut = at === branch.size - 1 ? LEAF_MAX : LEAF_MAX / 2;
    const members = branch.members.splice(cut);
    const scores = branch.scores.splice(cut);
    branch.size = cut;
    count.leaves++;
    return newLeaf(scores[0]!, members[0]!, members, scores);
  }
  const at = childFor(branch, score, member);
  const right = insertInto(branch.children[at]!, score, member, count);
  if (right === undefined) return undefined;
  branch.children.splice(at + 1, 0, right);
  if (branch.children.length <= INNER_MAX) return undefined;
  const children = branch.children.splice(INNER_MAX / 2);
  const size = children.reduce((sum, child) => sum + child.size, 0);
  branch.size -= size;
  const [first] = children;
  return { leaf: false, size, lowScore: first!.lowScore, lowMember: first!.lowMember, children };
}

function deleteFrom(branch: Branch, score: number, member: string, count: LeafCount): void {
  branch.size--;
  if (branch.leaf) {
    const at = positionIn(branch, score, member);
    branch.members.splice(at, 1);
    branch.scores.splice(at, 1);
    return;
  }
  const at = childFor(branch, score, member);
  const child = branch.children[at]!;
  deleteFrom(child, score, member, count);
  if (child.size === 0) {
    branch.children.splice(at, 1);
    if (child.leaf) count.leaves--;
  } else if (child.leaf && child.size < LEAF_MAX / 4 && mergeLeaf(branch, at)) count.leaves--;
}

/** Joins a thin leaf with its right or left neighbour when both fit well into one. */
function mergeLeaf(inner: Inner, at: number): boolean {
  const first = at + 1 < inner.children.length ? at : at - 1;
  const left = inner.children[first];
  const right = inner.children[first + 1];
  if (!left?.leaf || !right?.leaf || left.size + right.size > LEAF_MAX / 2) return false;
  left.members = [...left.members, ...right.members];
  left.scores = [...left.scores, ...right.scores];
  left.size += right.size;
  inner.children.splice(first + 1, 1);
  return true;
}

function rangeOf(branch: Branch, start: number, end: number, visit: (score: number, member: string) => void): void {
  if (branch.leaf) {
    const { members, scores } = branch;
    const last = Math.min(end, branch.size - 1);
    for (let i = Math.max(start, 0); i <= last; i++) visit(scores[i]!, members[i]!);
    return;
  }
  let before = 0;
  for (const child of branch.children) {
    if (before > end) return;
    if (before + child.size > start) rangeOf(child, start - before, end - before, visit);
    before += child.size;
  }
}
