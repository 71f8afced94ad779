/** Columns of statistics that several tables have. */
import type { Measures } from '../api/plan';
import type { StatisticsRow } from '../api/plan';
import type { Column } from './columns';
import { COLOURED, enough, type Coloured } from './measures';
import { percent, tenth, words } from './words.svelte';

type Counted = {
  [K in keyof Measures]: number extends Measures[K] ? K : never;
}[keyof Measures] &
  keyof typeof words.t.measures;

export function number(key: Counted): Column<StatisticsRow> {
  const label = words.t.measures[key];
  return { key, label, value: (row) => row[key], numeric: true, definition: key };
}

/** A rate; of too few cases it says so, and its cell in the file is empty. */
export function rate(key: Coloured): Column<StatisticsRow> {
  const { percent: parts, of, fewest } = COLOURED[key];
  const { few, none } = words.t.table;
  return {
    key,
    label: words.t.measures[key] + (parts ? ' (%)' : ''),
    value: (row) => {
      const value = enough(row, key);
      if (value === null) return null;
      return parts ? Math.round(value * 100) : Math.round(value * 10) / 10;
    },
    shown: (row) => {
      const value = enough(row, key);
      if (value !== null) return parts ? percent(value) : tenth(value);
      return row[of] < fewest ? few : none;
    },
    numeric: true,
    definition: key,
  };
}
