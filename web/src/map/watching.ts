/** Which box of the city the page listens to. */
import { holds, type Bounds } from './cells';

/** So many times wider than what is in sight, the box is drawn anew. */
const TOO_WIDE = 12;

/** A box as `west,south,east,north`, in WGS 84 degrees, with longitudes from -180 to 180. */
export function boxOf([west, south, east, north]: Bounds): string {
  const around = east - west >= 360;
  const wrapped = (lon: number): number => ((((lon + 180) % 360) + 360) % 360) - 180;
  return [
    around ? -180 : wrapped(west),
    Math.max(-90, south),
    around ? 180 : wrapped(east),
    Math.min(90, north),
  ]
    .map((degrees) => degrees.toFixed(5))
    .join(',');
}

/** To be told what is in sight after each move. Listens to a box wider than that, so that small
 * moves keep the stream; `moved` is called when the box was another one before. */
export function watching(
  listen: (box: string) => void,
  moved: () => void,
): (inSight: Bounds) => void {
  let watched: Bounds | null = null;
  return (inSight) => {
    const [west, south, east, north] = inSight;
    const [width, height] = [east - west, north - south];
    const kept =
      watched &&
      holds(watched, west, south) &&
      holds(watched, east, north) &&
      watched[2] - watched[0] < TOO_WIDE * width;
    if (kept) return;
    const first = watched === null;
    watched = [west - width, south - height, east + width, north + height];
    listen(boxOf(watched));
    // Tiles kept from outside the old box may have changed unheard.
    if (!first) moved();
  };
}
