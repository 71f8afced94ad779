/** Photos on this device until they have arrived, and their way to the service, piece by piece. */
import { askWhole, Refused } from '../api/ask';
import { askProving } from '../api/proving';
import { db } from '../state/db';
import { withRoom } from '../state/room';
import { uuid } from '../uuid';

export interface KeptPhoto {
  /** Of this device. */
  id: string;
  blob: Blob;
  /** Where its pieces go (tus 1.0), once the service has been asked. */
  location: string | null;
  /** What a report or a move names it by, once all of it has arrived. */
  upload: string | null;
  at: number;
}

/** 128 kB: what a weak link carries within a few seconds, so that little is sent twice. */
const PIECE = 131_072;
const PIECE_TYPE = 'application/offset+octet-stream';
const TUS = { 'Tus-Resumable': '1.0.0' };
/** With the last piece the photo is cleaned, which may have to wait for others. */
const PATIENCE_MS = 60_000;
const WAIT_MS = 1_000;
const MOST_WAITS = 30;

/** Where the device keeps nothing: as long as the page. */
const here = new Map<string, KeptPhoto>();

/** Returns whether it outlives the page. */
async function save(photo: KeptPhoto): Promise<boolean> {
  try {
    await withRoom(async () => {
      const writing = (await db()).transaction('photos', 'readwrite', { durability: 'strict' });
      await Promise.all([writing.store.put(photo), writing.done]);
    });
    here.delete(photo.id);
    return true;
  } catch {
    here.set(photo.id, photo);
    return false;
  }
}

/** It was taken away while it was on its way. */
export class TakenAway extends Error {}

async function isThere(id: string): Promise<boolean> {
  if (here.has(id)) return true;
  try {
    return (await (await db()).getKey('photos', id)) !== undefined;
  } catch {
    return true;
  }
}

/** Writes down how far it is. What was taken away meanwhile must not come back: `TakenAway`. */
async function goOn(photo: KeptPhoto): Promise<void> {
  if (here.has(photo.id)) return void (await save(photo));
  let there = true;
  try {
    const writing = (await db()).transaction('photos', 'readwrite', { durability: 'strict' });
    there = (await writing.store.getKey(photo.id)) !== undefined;
    if (there) await writing.store.put(photo);
    await writing.done;
  } catch {
    here.set(photo.id, photo);
  }
  if (!there) throw new TakenAway();
}

/** Keeps a photo that was shrunk; `safe`: it outlives the page. */
export async function keep(blob: Blob): Promise<{ photo: KeptPhoto; safe: boolean }> {
  const photo = { id: uuid(), blob, location: null, upload: null, at: Date.now() };
  return { photo, safe: await save(photo) };
}

/** Whether what is kept of it outlives the page. */
export function isSafe(id: string): boolean {
  return !here.has(id);
}

export async function kept(id: string): Promise<KeptPhoto | null> {
  const found = here.get(id);
  if (found) return found;
  try {
    return (await (await db()).get('photos', id)) ?? null;
  } catch {
    return null;
  }
}

export async function drop(id: string): Promise<void> {
  here.delete(id);
  try {
    await (await db()).delete('photos', id);
  } catch {
    // nothing is kept there
  }
}

/** Has a photo sent anew: the service keeps what is in no report for a day. */
export async function forgetUpload(id: string): Promise<void> {
  const photo = await kept(id);
  if (photo) await save({ ...photo, location: null, upload: null });
}

const underWay = new Map<string, Promise<string>>();

/** Sends what has not arrived yet; resolves to the upload's id. `onpart` hears the part (0 to 1) that
 * has. Two that ask for one photo wait for one upload.
 *
 * Throws `Unreachable` (ask again later: it goes on where it stopped), `Refused` or `TakenAway`. */
export function arrive(id: string, onpart: (part: number) => void = () => {}): Promise<string> {
  let sent = underWay.get(id);
  if (!sent) {
    sent = send(id, onpart).finally(() => underWay.delete(id));
    underWay.set(id, sent);
  }
  return sent;
}

async function send(id: string, onpart: (part: number) => void): Promise<string> {
  const photo = await kept(id);
  if (!photo) throw new Refused(404, { title: 'the photo is not kept here' });
  if (photo.upload) return photo.upload;
  for (let again = true; ; again = false) {
    try {
      return await sendPieces(photo, onpart);
    } catch (error) {
      // It was kept there for so long only: from the start, once.
      const gone = error instanceof Refused && [404, 410].includes(error.status);
      if (!gone || !photo.location || !again) throw error;
      photo.location = null;
    }
  }
}

async function sendPieces(photo: KeptPhoto, onpart: (part: number) => void): Promise<string> {
  const { size } = photo.blob;
  if (!photo.location) {
    const begin = { method: 'POST', headers: { ...TUS, 'Upload-Length': String(size) } };
    const { headers } = await askProving('/api/v1/uploads', begin);
    photo.location = new URL(headers.get('Location') ?? '', location.href).pathname;
    await goOn(photo);
  }
  let now = await askPieces(photo.location, 'GET');
  for (let waits = 0; now.id === null; ) {
    onpart(now.offset / size);
    if (!(await isThere(photo.id))) throw new TakenAway();
    const piece = photo.blob.slice(now.offset, now.offset + PIECE);
    try {
      now = await askPieces(photo.location, 'PATCH', now.offset, piece);
    } catch (error) {
      // Another page sends it, or it is being cleaned: what became of it is asked for.
      const busy = error instanceof Refused && [409, 423].includes(error.status);
      if (!busy || ++waits > MOST_WAITS) throw error;
      await new Promise((go) => setTimeout(go, WAIT_MS));
      now = await askPieces(photo.location, 'GET');
    }
  }
  photo.upload = now.id;
  await goOn(photo);
  onpart(1);
  return photo.upload;
}

/** How much is there; or the id, once it is all there and cleaned. */
async function askPieces(
  path: string,
  method: 'GET' | 'PATCH',
  offset = 0,
  body?: Blob,
): Promise<{ offset: number; id: string | null }> {
  const piece = body && {
    body,
    headers: { ...TUS, 'Upload-Offset': String(offset), 'Content-Type': PIECE_TYPE },
  };
  const answer = await askWhole<{ id: string } | null>(
    path,
    { method, headers: TUS, ...piece },
    undefined,
    PATIENCE_MS,
  );
  return {
    offset: Number(answer.headers.get('Upload-Offset') ?? 0),
    id: answer.value?.id ?? null,
  };
}
