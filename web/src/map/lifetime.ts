/** A map that is there for as long as what shows it. */
import type { CityMap } from './citymap';

/** Returns what ends it, also where it has not been drawn yet. */
export function whileShown(
  drawing: Promise<CityMap>,
  ondrawn: (map: CityMap) => void,
  onfailed: () => void,
): () => void {
  let map: CityMap | null = null;
  let gone = false;
  drawing.then((drawn) => {
    if (gone) {
      drawn.remove();
      return;
    }
    map = drawn;
    ondrawn(drawn);
  }, onfailed);
  return () => {
    gone = true;
    map?.remove();
  };
}
