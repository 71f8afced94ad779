/** Two periods side by side, like with like.
 *
 * Days that are still to come would count as days on which nothing happened, so a period that is not
 * over is counted up to now. Of two that were meant to be equally long (a quarter and the same one a
 * year ago) the other is then counted for as many days, from its beginning; of two that differ by more
 * than a tenth (a month and a year) it is left whole, and they are compared by day. Today counts as
 * the part of it that has passed.
 */
import type { Measures, Statistics, StatisticsRow } from '../api/plan';
import { length, passed, shifted, today, type Days } from './periods';
import type { Compared } from './view';

type Period = { [End in keyof Days]: string };
export type Side = 'one' | 'two';

export interface Fair {
  /** As they are counted. */
  one: Period;
  two: Period;
  /** Which of them has days to come; both, where the second is only cut to be as long. */
  cut: Side[];
  /** Which has not begun: then nothing can be compared. */
  ahead: Side[];
}

const ABOUT = 0.9;

export function fair(one: Period, two: Period, now = Date.now()): Fair {
  const last = today(now);
  const ended = (of: Period): Period => (of.until > last ? { ...of, until: last } : of);
  const made: Fair = {
    one: ended(one),
    two: ended(two),
    cut: (['one', 'two'] as const).filter((side) => ({ one, two })[side].until > last),
    ahead: (['one', 'two'] as const).filter((side) => ({ one, two })[side].since > last),
  };
  const [a, b] = [length(one), length(two)];
  if (made.cut.length !== 1 || made.ahead.length || Math.min(a, b) < ABOUT * Math.max(a, b)) {
    return made;
  }
  const other = made.cut[0] === 'one' ? 'two' : 'one';
  const days = length(made[made.cut[0]!]);
  if (length(made[other]) > days) {
    made[other] = { ...made[other], until: shifted(made[other].since, days - 1) };
    made.cut.push(other);
  }
  return made;
}

export type Verdict = 'up' | 'down' | 'chance' | 'few';

export interface Pair {
  code: string;
  /** Of whichever period has it: both name the same. */
  row: StatisticsRow | null;
  one: Measures | null;
  two: Measures | null;
}

export function pairs(one: Statistics, two: Statistics, by: 'ward' | 'category'): Pair[] {
  const found = new Map<string, Pair>();
  const add = (statistics: Statistics, side: 'one' | 'two'): void => {
    for (const row of statistics.rows) {
      const code = row[by]?.code ?? '';
      const pair = found.get(code) ?? { code, row, one: null, two: null };
      pair[side] = row;
      found.set(code, pair);
    }
  };
  add(one, 'one');
  add(two, 'two');
  return [...found.values()];
}

const FEWEST = { received: 0, on_time: 10, satisfaction: 5 };

/** A period's value; of groups without reports none were received, and nothing else is known. */
export function valueOf(side: Measures | null, measure: Compared): number | null {
  if (measure === 'received') return side?.received ?? 0;
  if (!side) return null;
  const of = measure === 'on_time' ? side.due : side.ratings;
  return of >= FEWEST[measure] ? side[measure] : null;
}

/** Three standard deviations: met by chance less than 3 times in 1,000. */
const CLEAR = 3;
const FEWEST_REPORTS = 10;

/** Whether chance alone explains the change from `two` to `one`; null: nothing is known of that. */
export function verdict(
  { one, two }: Pick<Pair, 'one' | 'two'>,
  measure: Compared,
  periods: [Period, Period],
  now = Date.now(),
): Verdict | null {
  if (measure === 'satisfaction') return null;
  const z = measure === 'received' ? counted(one, two, periods, now) : shared(one, two);
  if (z === null) return 'few';
  if (Math.abs(z) < CLEAR) return 'chance';
  return z > 0 ? 'up' : 'down';
}

/** Of all reports of both periods, how many are of the first, against its share of the days. */
function counted(
  one: Measures | null,
  two: Measures | null,
  periods: [Period, Period],
  now: number,
): number | null {
  const [a, b] = [one?.received ?? 0, two?.received ?? 0];
  const [days, other] = [passed(periods[0], now), passed(periods[1], now)];
  const n = a + b;
  const part = days / (days + other);
  if (n < FEWEST_REPORTS || !(part > 0 && part < 1)) return null;
  return (a - n * part) / Math.sqrt(n * part * (1 - part));
}

/** Two shares, by what both periods have in common. */
function shared(one: Measures | null, two: Measures | null): number | null {
  if (!one || !two || one.on_time === null || two.on_time === null) return null;
  if (one.due < FEWEST.on_time || two.due < FEWEST.on_time) return null;
  const all = (one.on_time * one.due + two.on_time * two.due) / (one.due + two.due);
  const spread = Math.sqrt(all * (1 - all) * (1 / one.due + 1 / two.due));
  return spread === 0 ? 0 : (one.on_time - two.on_time) / spread;
}
