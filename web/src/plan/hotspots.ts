/** Of one hotspot: its chance in words. */
const ODDS = [1_000_000, 100_000, 10_000, 1_000, 100, 20];

/** A chance is told as below one in so many; null: it is larger than all of them. */
export function odds(p: number): number | null {
  return ODDS.find((one_in) => p <= 1 / one_in) ?? null;
}
