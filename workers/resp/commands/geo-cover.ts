import { boundsOf, cellOf, edgesOf, neighbour, STEP_MAX } from './geo-cell.ts';
import type { Cell, Shape } from './geo-cell.ts';

const MERCATOR_MAX = 20037726.37;

/** The step whose cells are about as large as what is searched. */
function stepFor(metres: number, latitude: number): number {
  if (metres === 0) return STEP_MAX;
  let step = 1;
  for (let size = metres; size < MERCATOR_MAX; size *= 2) step++;
  step -= 2;
  // Cells are narrower towards the poles.
  if (Math.abs(latitude) > 66) step--;
  if (Math.abs(latitude) > 80) step--;
  return Math.max(1, Math.min(STEP_MAX, step));
}

/** The cells to look into for a shape, in Redis's order: its own and those of the eight around it that it may reach. */
export function coverOf(shape: Shape): Cell[] {
  const { centre, by } = shape;
  const bounds = boundsOf(shape);
  const metres = 'width' in by ? Math.sqrt((by.width / 2) ** 2 + (by.height / 2) ** 2) : by.radius;
  let cell = cellOf(centre, stepFor(metres, centre.latitude));
  const tooSmall =
    edgesOf(neighbour(cell, 0, 1)).north < bounds.north ||
    edgesOf(neighbour(cell, 0, -1)).south > bounds.south ||
    edgesOf(neighbour(cell, 1, 0)).east < bounds.east ||
    edgesOf(neighbour(cell, -1, 0)).west > bounds.west;
  if (cell.step > 1 && tooSmall) cell = cellOf(centre, cell.step - 1);
  const own = edgesOf(cell);
  const all = cell.step < 2;
  const south = all || own.south >= bounds.south;
  const north = all || own.north <= bounds.north;
  const west = all || own.west >= bounds.west;
  const east = all || own.east <= bounds.east;
  const cells = [cell];
  const consider = (dx: number, dy: number): void => {
    if ((dx < 0 && !west) || (dx > 0 && !east) || (dy < 0 && !south) || (dy > 0 && !north)) return;
    const next = neighbour(cell, dx, dy);
    const last = cells.at(-1)!;
    // For huge areas neighbours are the same cell, which must not be searched twice in a row.
    if (cells.length > 1 && last.x === next.x && last.y === next.y) return;
    cells.push(next);
  };
  for (const [dx, dy] of [
    [0, 1],
    [0, -1],
    [1, 0],
    [-1, 0],
    [1, 1],
    [-1, 1],
    [1, -1],
    [-1, -1],
  ] as const)
    consider(dx, dy);
  return cells;
}
