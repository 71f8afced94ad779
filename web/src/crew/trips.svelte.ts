/** The round trip: which tasks, and in which order; kept on the device for when it has no signal. */
import { planTour } from '../api/crew';
import { forget, recall, remember } from '../state/storage';
import { tasks } from './tasks.svelte';
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

  load(): void {
    const kept = recall<Kept>('crew.trip');
    this.now = kept && kept.account === who.account ? kept.trip : null;
    this.chosen = this.now?.codes ?? [];
  }

  toggle(code: string): void {
    this.chosen = this.chosen.includes(code)
      ? this.chosen.filter((each) => each !== code)
      : [...this.chosen, code];
  }

  async plan(codes: string[]): Promise<void> {
    const { account } = who;
    if (!tasks.spot || !account) return;
    const trip = await planTour(tasks.spot, codes);
    this.now = trip;
    remember('crew.trip', { account, trip } satisfies Kept);
  }

  forget(): void {
    this.now = null;
    forget('crew.trip');
  }
}

export const trips = new Trips();
