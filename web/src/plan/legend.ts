/** What each colour means, from the lowest class to the highest. */
import { COLOURED, type Coloured } from './measures';
import { percent, tenth, words } from './words.svelte';

export function legendOf(paint: Coloured): string[] {
  const { bounds, percent: parts } = COLOURED[paint];
  const { below, between, atLeast } = words.t.legend;
  const said = bounds.map(parts ? percent : tenth) as [string, string, string, string];
  return [
    below(said[0]),
    between(said[0], said[1]),
    between(said[1], said[2]),
    between(said[2], said[3]),
    atLeast(said[3]),
  ];
}
