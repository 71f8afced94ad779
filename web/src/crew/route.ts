/** Ways to a place, in whatever app the device has for that. */
import type { Spot } from './deadline';

/** Without a signal, too: an app on the phone has maps of its own. */
export function wayTo({ lon, lat }: Spot): string {
  const place = `${lat.toFixed(6)},${lon.toFixed(6)}`;
  const agent = navigator.userAgent;
  if (/android/i.test(agent)) return `geo:${place}?q=${place}`;
  if (/iphone|ipad/i.test(agent)) return `https://maps.apple.com/?daddr=${place}`;
  return `https://www.google.com/maps/dir/?api=1&destination=${place}`;
}

/** So many stops between the first place and the last one such a link takes. */
const MOST_BETWEEN = 9;

/** A whole round trip; null where it has more stops than a link takes. */
export function wayAround(start: Spot, stops: Spot[]): string | null {
  if (stops.length === 0 || stops.length > MOST_BETWEEN) return null;
  const name = ({ lon, lat }: Spot): string => `${lat.toFixed(6)},${lon.toFixed(6)}`;
  const asked = new URLSearchParams({
    api: '1',
    origin: name(start),
    destination: name(start),
    waypoints: stops.map(name).join('|'),
  });
  return `https://www.google.com/maps/dir/?${asked}`;
}
