/** The signed-in member of staff. The cookie is the session; the page only remembers that one may
 * exist, so that citizens' pages never ask. */
import * as api from '../api';
import type { Staff } from '../types';
import { dropPictures } from './room';
import { forget, recall, remember } from './storage';

export const session = $state<{ staff: Staff | null }>({ staff: null });

export async function resume(): Promise<void> {
  if (!recall<boolean>('staff')) return;
  try {
    session.staff = await api.whoAmI();
  } catch (error) {
    if (error instanceof api.Refused) forget('staff');
  }
}

export async function signIn(email: string, password: string): Promise<void> {
  session.staff = await api.signIn(email, password);
  remember('staff', true);
}

/** The second step, where one is set up: with the ticket of the first. */
export async function giveCode(ticket: string, code: string): Promise<void> {
  session.staff = await api.giveCode(ticket, code);
  remember('staff', true);
}

export async function signOut(): Promise<void> {
  await api.signOut();
  session.staff = null;
  forget('staff');
  // The crews' page knows its people without a signal, and is not open everywhere.
  forget('crew.who');
  await dropPictures();
}
