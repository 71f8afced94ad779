/** Tables as the page shows them and as it gives them away: the same columns and rows. */
import type { Cell } from './csv';

export interface Column<R> {
  key: string;
  label: string;
  /** Sorts, and stands in the file. */
  value: (row: R) => Cell;
  /** As people read it; without it the value itself. */
  shown?: (row: R) => string;
  numeric?: boolean;
  /** Sorts in place of the value. */
  rank?: (row: R) => number;
  /** Of the service's definitions the one that says what this is. */
  definition?: string;
}

const order = new Intl.Collator('vi');

/** Without a value comes last, whichever way it is sorted; equals stay in their order. */
export function sorted<R>(rows: readonly R[], columns: Column<R>[], sort: string | null): R[] {
  const down = sort?.startsWith('-') ?? false;
  const column = columns.find(({ key }) => key === sort?.replace('-', ''));
  if (!column) return [...rows];
  return [...rows].sort((one, two) => {
    const by = column.rank ?? column.value;
    const [a, b] = [by(one), by(two)];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    const found =
      typeof a === 'number' && typeof b === 'number' ? a - b : order.compare(String(a), String(b));
    return down ? -found : found;
  });
}

/** Of a heading that is pressed: numbers begin with the highest, names with the first. */
export function nextSort(sort: string | null, { key, numeric }: Column<never>): string {
  if (sort === key) return `-${key}`;
  if (sort === `-${key}`) return key;
  return numeric ? `-${key}` : key;
}
