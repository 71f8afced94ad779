/** Keeps the drawn tiles true: those that a change touched are asked for again, and no others. The
 * old picture of a tile stays until the new one is there, and a tile that is still the same (304) is
 * not even drawn again. */
import type { Map as Engine, VectorTileSource } from 'maplibre-gl';
import { tileAt, type Tile } from './cells';

/** Layers whose tiles the stream tells about. */
export const LIVE = ['reports', 'hotspots', 'alerts'] as const;
export type LiveLayer = (typeof LIVE)[number];

/** A report that changed may have moved from a place that nobody is told any more. */
const SUSPECT_MS = 4_000;
/** Alerts begin by the clock, and nobody tells; their end is read from themselves. */
const ALERTS_MS = 120_000;
/** Changes of a burst are drawn together. */
const BURST_MS = 250;
/** Asked once more: a cache on the way, or another process behind it, may have been a moment behind. */
const AGAIN_MS = 2_500;
const ZOOMS = Array.from({ length: 19 }, (_, z) => z);
/** Past so many touched tiles it is less work to ask for all in sight. */
const MANY = 4_000;

interface Touched {
  /** "z/x/y" of tiles, or all there are. */
  tiles: Map<string, Tile> | 'all';
}

export class Freshness {
  #pending = new Map<LiveLayer, Touched>();
  /** Touched while out of sight, where the engine keeps tiles for the way back. */
  #owed = new Map<LiveLayer, Touched>();
  #burst: ReturnType<typeof setTimeout> | undefined;
  #later = new Set<ReturnType<typeof setTimeout>>();
  #suspect: ReturnType<typeof setTimeout> | undefined;
  #ending: ReturnType<typeof setTimeout> | undefined;
  #drawn = 0;
  #busy = 0;

  constructor(private readonly engine: Engine) {
    engine.on('moveend', () => {
      // Tiles kept for the way back are taken out again as the next picture is made.
      engine.once('render', () => this.#payOwed());
      engine.triggerRepaint();
    });
    engine.on('idle', () => this.#awaitEnd());
    // Before it asks for the first tile: outside the box in which a layer's features lay when the
    // page was opened the engine would ask for none, and what comes there would never be seen.
    engine.on('sourcedata', ({ sourceId, sourceDataType }) => {
      const source = engine.getSource(sourceId);
      const isLive = (LIVE as readonly string[]).includes(sourceId);
      if (isLive && source && sourceDataType === 'metadata') {
        Reflect.deleteProperty(source, 'tileBounds');
      }
    });
    engine.on('remove', () => {
      clearTimeout(this.#burst);
      clearTimeout(this.#suspect);
      clearTimeout(this.#ending);
      this.#later.forEach(clearTimeout);
    });
  }

  /** Whether a tile asked for now must come from the service itself. */
  get doubtful(): boolean {
    return this.#busy > 0;
  }

  /** The layer changed at these places; without any: everywhere. */
  touch(layer: LiveLayer, places?: readonly [lon: number, lat: number][]): void {
    note(this.#pending, layer, places ? tilesOf(places) : 'all');
    this.#burst ??= setTimeout(
      () => this.#draw(),
      Math.max(0, this.#drawn + BURST_MS - performance.now()),
    );
  }

  /** This report changed, and is here now. */
  touchReport(code: string | null, at: [lon: number, lat: number] | null, isNew: boolean): void {
    if (!at) return this.touch('reports');
    this.touch('reports', [at, ...this.#drawnAt(code)]);
    if (isNew) return;
    this.#suspect ??= setTimeout(() => {
      this.#suspect = undefined;
      this.touch('reports');
    }, SUSPECT_MS);
  }

  /** Where the map shows this report as a point of its own. */
  #drawnAt(code: string | null): [lon: number, lat: number][] {
    if (!code || !this.engine.getSource('reports')) return [];
    return this.engine
      .querySourceFeatures('reports', {
        sourceLayer: 'reports',
        filter: ['==', ['get', 'code'], code],
      })
      .flatMap(({ geometry }) =>
        geometry.type === 'Point' ? [geometry.coordinates as [number, number]] : [],
      );
  }

  #draw(): void {
    this.#burst = undefined;
    this.#drawn = performance.now();
    const due = this.#pending;
    this.#pending = new Map();
    this.#busy += 1;
    for (const [layer, { tiles }] of due) this.#ask(layer, tiles);
    const again = setTimeout(() => {
      this.#later.delete(again);
      for (const [layer, { tiles }] of due) this.#ask(layer, tiles);
      this.#busy -= 1;
    }, AGAIN_MS);
    this.#later.add(again);
  }

  #ask(layer: LiveLayer, tiles: Touched['tiles']): void {
    if (!this.engine.getSource(layer)) return;
    if (tiles === 'all') {
      this.engine.refreshTiles(layer);
      this.#owed.delete(layer);
      return;
    }
    this.engine.refreshTiles(layer, [...tiles.values()]);
    const inSight = this.#inSight(layer);
    const hidden = [...tiles.values()].filter((tile) => !inSight.has(name(tile)));
    note(this.#owed, layer, hidden);
  }

  /** Asks for the alerts again when the first one drawn is over, and now and then for new ones. */
  #awaitEnd(): void {
    clearTimeout(this.#ending);
    if (!this.engine.getSource('alerts')) return;
    const ends = this.engine
      .querySourceFeatures('alerts', { sourceLayer: 'alert_points' })
      .map(({ properties }) => new Date(String(properties['expires'])).getTime() - Date.now())
      .filter((left) => left > 0);
    // A second later, by clocks that differ a little.
    const wait = Math.min(ALERTS_MS, ...ends.map((left) => left + 1_000));
    this.#ending = setTimeout(() => this.touch('alerts'), wait);
  }

  #payOwed(): void {
    for (const [layer, { tiles }] of this.#owed) {
      if (!this.engine.getSource(layer)) continue;
      if (tiles === 'all') {
        this.engine.refreshTiles(layer);
        this.#owed.delete(layer);
        continue;
      }
      const inSight = this.#inSight(layer);
      const due = [...tiles].filter(([key]) => inSight.has(key));
      for (const [key] of due) tiles.delete(key);
      if (due.length) this.engine.refreshTiles(layer, due.map(([, tile]) => tile));
    }
  }

  #inSight(layer: LiveLayer): Set<string> {
    const { minzoom, maxzoom } = this.engine.getSource<VectorTileSource>(layer)!;
    const covering = this.engine.coveringTiles({ tileSize: 512, minzoom, maxzoom });
    return new Set(covering.map(({ canonical }) => name(canonical)));
  }
}

function name({ z, x, y }: Tile): string {
  return `${z}/${x}/${y}`;
}

function tilesOf(places: readonly [lon: number, lat: number][]): Tile[] {
  return places.flatMap(([lon, lat]) => ZOOMS.map((z) => tileAt(lon, lat, z)));
}

function note(into: Map<LiveLayer, Touched>, layer: LiveLayer, more: Tile[] | 'all'): void {
  const there = into.get(layer)?.tiles ?? new Map<string, Tile>();
  if (more === 'all' || there === 'all' || there.size > MANY) {
    into.set(layer, { tiles: 'all' });
    return;
  }
  for (const tile of more) there.set(name(tile), tile);
  into.set(layer, { tiles: there });
}
