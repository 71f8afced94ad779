/** The device's own token: random, made here, kept here, and sent with reports alone. By it the
 * service tells who floods it from all others behind the same address; it keeps a hash for some days.
 */
import { recall, remember } from './storage';

let token: string | null = null;

export function deviceToken(): string {
  token ??= recall<string>('device');
  if (token === null) {
    const drawn = crypto.getRandomValues(new Uint8Array(16));
    token = Array.from(drawn, (byte) => byte.toString(16).padStart(2, '0')).join('');
    remember('device', token);
  }
  return token;
}
