/** What the map can be coloured by, and into which classes. The bounds are fixed, not taken from what
 * is shown: the same colour means the same in every period and for every category. */
import type { StatisticsRow } from '../api/plan';
import type { Paint } from './view';

export type Coloured = Exclude<Paint, 'reports'>;

interface Measure {
  /** Of how many cases it is. */
  of: 'due' | 'ratings';
  /** Of fewer, nothing is said: one case more or less would change the colour. */
  fewest: number;
  /** Where the next class begins, which these belong to. */
  bounds: [number, number, number, number];
  percent: boolean;
}

export const COLOURED: Record<Coloured, Measure> = {
  on_time: { of: 'due', fewest: 10, bounds: [0.5, 0.7, 0.8, 0.9], percent: true },
  satisfaction: { of: 'ratings', fewest: 5, bounds: [2.5, 3, 3.5, 4], percent: false },
};

/** The value, unless it is of too few cases. */
export function enough(row: StatisticsRow, measure: Coloured): number | null {
  const { of, fewest } = COLOURED[measure];
  return row[of] >= fewest ? row[measure] : null;
}

/** 0 (lowest) to 4; null: too few cases. */
export function classOf(row: StatisticsRow, measure: Coloured): number | null {
  const value = enough(row, measure);
  if (value === null) return null;
  return COLOURED[measure].bounds.filter((bound) => value >= bound).length;
}

/** The class of each ward that has one, by its code. */
export function classes(rows: StatisticsRow[], measure: Coloured): Record<string, number> {
  const found: Record<string, number> = {};
  for (const row of rows) {
    const level = classOf(row, measure);
    if (row.ward && level !== null) found[row.ward.code] = level;
  }
  return found;
}
