import { isChallenge, prove } from '../proof';
import { deviceToken } from '../state/device';
import { askWhole, Refused, type Whole } from './ask';

/** A challenge may end, or its answer get lost, before the request that carries it is taken in. */
const PROOFS = 4;

/** As `askWhole`, for what is counted: names the device, and proves some work where that is asked. */
export async function askProving<T>(path: string, init: RequestInit): Promise<Whole<T>> {
  const headers = new Headers(init.headers);
  headers.set('Pinward-Device', deviceToken());
  for (let left = PROOFS; ; left--) {
    try {
      return await askWhole<T>(path, { ...init, headers });
    } catch (error) {
      if (!(error instanceof Refused) || error.type !== 'challenge' || left === 0) throw error;
      if (!isChallenge(error.problem)) throw error;
      headers.set('Pinward-Proof', await prove(error.problem));
    }
  }
}
