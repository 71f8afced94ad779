/** The list of the home page: of a cell that was tapped, or of all that was in sight. */
import type { Change } from '../live/stream';
import { cellBounds, holds, type Bounds } from '../map/cells';
import type { Hit } from '../map/gestures';
import { ReportList } from '../state/inlist.svelte';

type Counts = { all: number; open: number } | null;
type Said = Record<string, unknown> | null | undefined;

/** Changes come in bursts. */
const PAUSE_MS = 400;
/** The map's tile may come later than the list: it is looked at again, so long after it. */
const LOOKS_MS = [0, 1_000, 4_000, 15_000];

export class Listing {
  list = $state.raw<ReportList | null>(null);
  /** What was tapped. */
  hit = $state.raw<Hit | null>(null);
  counts = $state.raw<Counts>(null);
  #refreshing: ReturnType<typeof setTimeout> | undefined;

  /** `cellNow`: what the map says of a cell now. */
  constructor(private readonly cellNow: (cell: number) => Said) {}

  get cell(): number | undefined {
    return this.list?.query.cell;
  }

  /** The square that the list is of, where it is one. */
  get area(): Bounds | null {
    return this.cell !== undefined && this.counts ? cellBounds(this.cell) : null;
  }

  show(list: ReportList, hit: Hit | null): void {
    this.list?.close();
    this.list = list;
    this.hit = hit;
    this.counts = countsOf(hit?.properties);
  }

  /** Something changed on the map; null: nobody knows what. */
  heard(change: Change | null): void {
    const { list, cell } = this;
    if (!list) return;
    const here =
      !change?.at ||
      cell === undefined ||
      holds(cellBounds(cell), ...change.at) ||
      list.items.some(({ properties }) => properties.code === change.code);
    if (!here) return;
    clearTimeout(this.#refreshing);
    this.#refreshing = setTimeout(() => void this.#refresh(list), PAUSE_MS);
  }

  async #refresh(list: ReportList): Promise<void> {
    await list.refresh();
    const { cell } = list.query;
    if (cell === undefined) return;
    for (const after of LOOKS_MS) setTimeout(() => this.#count(list, cell), after);
  }

  #count(list: ReportList, cell: number): void {
    if (this.list === list) this.counts = countsOf(this.cellNow(cell)) ?? this.counts;
  }
}

function countsOf(said: Said): Counts {
  const all = Number(said?.['point_count'] ?? 0);
  return all > 1 ? { all, open: Number(said?.['open_count'] ?? 0) } : null;
}
