/** Looking about on the home page: what is tapped, listed, found, and shown on a card. */
import type { Change } from '../live/stream';
import type { Hit } from '../map/gestures';
import { ReportList } from '../state/inlist.svelte';
import type {
  Alert,
  AreaFeature,
  Facility,
  Hotspot,
  PointFeature,
  ReportProperties,
  Ward,
} from '../types';
import { hitOfAlert, hitOfFacility, hitOfHotspot, hitOfReport } from './hits';
import { Listing } from './listing.svelte';
import type { Steps } from './steps.svelte';

/** Near enough to see which house is meant. */
export const CLOSE_ENOUGH = 15;

/** What is needed of the map. */
export interface Shown {
  center(): [number, number] | null;
  goTo(lon: number, lat: number, zoom: number): void;
  zoomInto(hit: Hit): void;
  reveal(lon: number, lat: number): void;
  box(): string | null;
  cellNow(cell: number): Record<string, unknown> | null;
}

export class Browsing {
  hit = $state.raw<Hit | null>(null);
  /** The list that the card was opened from, and goes back to. */
  from = $state<'list' | 'hotspots' | null>(null);
  /** Where hotspots are listed (null: everywhere), and the one opened last. */
  spots = $state.raw<{ bbox: string | null; opened: string | null }>({ bbox: null, opened: null });
  /** Counts what happened to the thing on the card. */
  news = $state(0);
  readonly listing: Listing;

  /** `map`: undefined until there is one. `wide`: the panel is beside the map, not over it. */
  constructor(
    private readonly steps: Steps,
    private readonly map: () => Shown | undefined,
    private readonly wide: () => boolean,
  ) {
    this.listing = new Listing((cell) => this.map()?.cellNow(cell));
  }

  /** Where the card's thing is on the map, to be ringed; areas draw themselves. */
  get ringed(): [lon: number, lat: number] | null {
    const { hit } = this;
    return hit && !['hotspots', 'alerts'].includes(hit.group) ? hit.at : null;
  }

  tapped(hit: Hit): void {
    if (hit.cell !== null) this.#list(new ReportList({ cell: hit.cell }), hit);
    else this.#card(hit, null);
  }

  listReports(): void {
    const bbox = this.map()?.box();
    this.#list(new ReportList(bbox ? { bbox } : {}), null);
  }

  listHotspots(): void {
    this.spots = { bbox: this.map()?.box() ?? null, opened: null };
    this.steps.enter('hotspots');
  }

  openReport(report: PointFeature<ReportProperties>): void {
    const hit = hitOfReport(report);
    if (!hit || !this.listing.list) return;
    this.listing.list.opened = report.properties.code;
    this.#card(hit, 'list');
    this.map()?.reveal(...hit.at);
  }

  openHotspot(hotspot: AreaFeature<Hotspot>): void {
    const hit = hitOfHotspot(hotspot);
    this.spots = { ...this.spots, opened: hotspot.properties.id };
    this.#card(hit, 'hotspots');
    this.map()?.reveal(...hit.at);
  }

  openFacility(facility: PointFeature<Facility>): void {
    const hit = hitOfFacility(facility);
    if (!hit) return;
    this.#card(hit, null);
    this.map()?.goTo(...hit.at, CLOSE_ENOUGH);
  }

  openAlert(alert: Alert): void {
    this.#card(hitOfAlert(alert, this.map()?.center() ?? [0, 0]), null);
  }

  openWard({ center: [lon, lat], code }: Ward): void {
    const map = this.map();
    // Without a map, its reports are what there is to see of it.
    if (map?.box()) map.goTo(lon, lat, CLOSE_ENOUGH - 1);
    else this.#list(new ReportList({ ward: code }), null);
  }

  back(): void {
    if (this.from) this.steps.enter(this.from);
  }

  zoomIn(): void {
    if (!this.listing.hit) return;
    this.map()?.zoomInto(this.listing.hit);
    // Beside the map it can stay; over it, it would hide what was asked for.
    if (!this.wide()) this.steps.enter('browse');
  }

  /** Something changed on the map: what the panel shows of it is asked for again. */
  heard(change: Change | null): void {
    const about = this.hit?.properties['code'];
    const told = change?.kind === 'alert' ? this.hit?.group === 'alerts' : change?.code === about;
    if (!change || change.kind === 'alert' || (told && this.hit)) this.news += 1;
    const step = this.steps.now;
    if (step === 'list' || step === 'card') this.listing.heard(change);
  }

  #card(hit: Hit, from: 'list' | 'hotspots' | null): void {
    this.from = from;
    this.hit = hit;
    this.steps.enter('card');
  }

  #list(list: ReportList, tapped: Hit | null): void {
    this.listing.show(list, tapped);
    this.steps.enter('list');
  }
}
