/** The steps of the home page's panel, from looking about to a sent report. */
export type Step =
  | 'browse'
  | 'wards'
  | 'list'
  | 'hotspots'
  | 'card'
  | 'place'
  | 'details'
  | 'supported'
  | 'kept'
  | 'sent';

/** How deep a step lies: going deeper adds an entry to the browser's history, so that a phone's back
 * button walks the steps instead of leaving. */
const DEPTH: Record<Step, number> = {
  browse: 0,
  wards: 1,
  list: 1,
  hotspots: 1,
  card: 2,
  place: 2,
  details: 3,
  supported: 4,
  kept: 4,
  sent: 4,
};

export class Steps {
  now = $state<Step>('browse');

  /** `possible`: whether there is still something to show at a step. */
  constructor(private readonly possible: (step: Step) => boolean) {}

  enter(next: Step): void {
    if (next === this.now) return;
    const entry = DEPTH[next] > DEPTH[this.now] ? 'pushState' : 'replaceState';
    history[entry]({ step: next }, '');
    this.now = next;
  }

  /** The browser's history was gone through. */
  arrive(event: PopStateEvent): void {
    const wanted = (event.state as { step?: Step } | null)?.step ?? 'browse';
    this.now = this.possible(wanted) ? wanted : 'browse';
  }
}
