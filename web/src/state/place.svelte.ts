/** Whose place the pin stands on, and what stands near it. */
import { facilitiesNear, isStale, Refused, wardAt } from '../api';
import type { Pin, PlacedFacility, WardAt } from '../types';

type Look =
  | { state: 'none' | 'searching' | 'outside' | 'failed'; ward: null }
  | { state: 'found'; ward: WardAt };

export const place = $state<{ look: Look; schools: PlacedFacility[] | null; clinics: PlacedFacility[] | null }>({
  look: { state: 'none', ward: null },
  schools: null,
  clinics: null,
});

let newest: AbortController | null = null;

/** Looks up the pin; a call made before the last one ended makes that one stale. */
export async function lookAt(pin: Pin | null): Promise<void> {
  newest?.abort();
  place.schools = place.clinics = null;
  if (!pin) {
    place.look = { state: 'none', ward: null };
    return;
  }
  const current = (newest = new AbortController());
  place.look = { state: 'searching', ward: null };
  try {
    // A pin that only stands for its ward is in doubt about the place, not about the ward.
    const asked = pin.source === 'ward' ? { ...pin, accuracy_m: null } : pin;
    place.look = { state: 'found', ward: await wardAt(asked, current.signal) };
  } catch (error) {
    if (isStale(error)) return;
    const outside = error instanceof Refused && error.type === 'outside-coverage';
    place.look = { state: outside ? 'outside' : 'failed', ward: null };
    return;
  }
  try {
    [place.schools, place.clinics] = await Promise.all([
      facilitiesNear(pin, 'school', current.signal),
      facilitiesNear(pin, 'clinic', current.signal),
    ]);
  } catch {
    // What is near by is an extra: without it the report goes on.
  }
}
