/** The round trip: which tasks, and in which order; kept on the device for when it has no signal, and
 * put into order there where the service cannot be asked. */
import { Unreachable } from '../api';
import { planTour } from '../api/crew';
import { forget, recall, remember } from '../state/storage';
import { clock } from './clock';
import type { Spot } from './deadline';
import { tasks } from './tasks.svelte';
import { tour } from './tour';
import type { Trip } from './types';
import { who } from './who.svelte';

/** The service takes no more. */
export const MOST_STOPS = 30;

interface Kept {
  account: string;
  trip: Trip;
}

class Trips {
  chosen = $state.raw<string[]>([]);
  now = $state.raw<Trip | null>(null);
  #of: string | null = null;

  /** What an account has here already stays, with what it has just chosen. */
  load(): void {
    if (this.#of === who.account) return;
    this.#of = who.account;
    const kept = recall<Kept>('crew.trip');
    this.now = kept && kept.account === who.account ? kept.trip : null;
    this.chosen = this.now?.codes ?? [];
  }

  toggle(code: string): void {
    this.chosen = this.chosen.includes(code)
      ? this.chosen.filter((each) => each !== code)
      : [...this.chosen, code];
  }

  /** Says whether there is one: without a place to begin at there is none. */
  async plan(codes: string[]): Promise<boolean> {
    const { account } = who;
    const { spot } = tasks;
    if (!spot || !account) return false;
    let trip: Trip;
    try {
      trip = await planTour(spot, codes);
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      trip = planHere(spot, codes);
    }
    if (account !== who.account) return true;
    this.now = trip;
    remember('crew.trip', { account, trip } satisfies Kept);
    return true;
  }

  forget(): void {
    this.now = null;
    forget('crew.trip');
  }
}

export const trips = new Trips();

/** Over the tasks as the device has them. */
function planHere(start: Spot, codes: readonly string[]): Trip {
  const stops = codes.map((code) => tasks.find(code)).filter((task) => task !== null);
  const { order, legs_m } = tour(start, stops);
  const found = order.map((n) => stops[n]!);
  return {
    codes: found.map(({ code }) => code),
    legs_m: legs_m.slice(0, -1),
    back_m: legs_m.at(-1) ?? 0,
    length_m: legs_m.reduce((all, leg) => all + leg, 0),
    line: [start, ...found, start].map(({ lon, lat }): [number, number] => [lon, lat]),
    at: clock(),
    here: true,
  };
}
