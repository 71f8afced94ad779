/** Where the device believes it is. */

export class LocateFailed extends Error {
  constructor(readonly denied: boolean) {
    super(denied ? 'denied' : 'failed');
  }
}

/** The service looks no farther about than this for neighbouring wards. */
const WIDEST_M = 10_000;

/** Whether the browser tells without asking anybody. */
export async function mayLocate(): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: 'geolocation' })).state === 'granted';
  } catch {
    return false;
  }
}

/** WGS 84 degrees and the radius in metres of the circle it is in with 95 % confidence. */
export function locate(): Promise<{ lon: number; lat: number; accuracy_m: number }> {
  return new Promise((resolve, reject) => {
    // Browsers keep it from pages without TLS, other than those of the device itself.
    if (!('geolocation' in navigator)) {
      reject(new LocateFailed(false));
      return;
    }
    navigator.geolocation.getCurrentPosition(
      ({ coords }) =>
        resolve({
          lon: coords.longitude,
          lat: coords.latitude,
          accuracy_m: Math.min(coords.accuracy, WIDEST_M),
        }),
      (error) => reject(new LocateFailed(error.code === error.PERMISSION_DENIED)),
      { enableHighAccuracy: true, timeout: 12_000, maximumAge: 10_000 },
    );
  });
}
