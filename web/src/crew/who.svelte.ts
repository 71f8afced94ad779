/** Who works here: known without a signal, too, and still known when the sign-in has ended, since
 * what they did waits to be sent under their name. */
import { Refused } from '../api';
import { session } from '../state/session.svelte';
import { forget, onRemembered, recall, remember } from '../state/storage';
import type { Staff } from '../types';

const ROLES = ['crew', 'hotline_agent', 'ward_officer', 'admin'];

const state = $state<{ staff: Staff | null; ended: boolean }>({
  staff: recall<Staff>('crew.who'),
  ended: false,
});

export const who = {
  get staff(): Staff | null {
    return state.staff;
  },
  /** What the outbox and the tasks on this device are kept under. */
  get account(): string | null {
    return state.staff?.email ?? null;
  },
  /** The service says that nobody is signed in any more. */
  get ended(): boolean {
    return state.ended;
  },
  get mayWork(): boolean {
    return state.staff !== null && ROLES.includes(state.staff.role);
  },
};

/** Follows the page's sign-in; signing out by hand is what makes the device forget who it was. */
export function follow(): () => void {
  let before = session.staff;
  // Signed out, or in as somebody else, on another page meanwhile.
  if (!before) state.staff = recall<Staff>('crew.who');
  const stop = onRemembered('crew.who', () => {
    session.staff = state.staff = recall<Staff>('crew.who');
  });
  const follows = $effect.root(() => {
    $effect(() => {
      const { staff } = session;
      if (staff) {
        state.staff = staff;
        state.ended = false;
        remember('crew.who', staff);
      } else if (before && !state.ended) {
        state.staff = null;
        forget('crew.who');
      }
      before = staff;
    });
  });
  return () => {
    stop();
    follows();
  };
}

/** The sign-in is over: what waits is kept for whoever did it. */
export function end(): void {
  state.ended = true;
  session.staff = null;
  forget('staff');
}

/** Takes in what a request failed for; says whether it was the sign-in. */
export function isEnded(error: unknown): boolean {
  const gone = error instanceof Refused && error.status === 401;
  if (gone) end();
  return gone;
}
