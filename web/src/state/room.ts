/** Room on the device. Photos that can be asked for again lie in a database of their own: it goes when
 * what cannot be asked for again needs the room, and with the sign-in of whoever could see them. */
export const PICTURES = 'pinward-pictures';

export function dropPictures(): Promise<void> {
  return new Promise((done) => {
    try {
      const asked = indexedDB.deleteDatabase(PICTURES);
      // Pages that have it open let go of it (`crew/pictures.ts`); it goes once they have.
      asked.onsuccess = asked.onerror = asked.onblocked = () => done();
    } catch {
      done(); // storage is closed
    }
  });
}

let short = false;

/** What must be written down had no room: what can be asked for again is not kept any more. */
export function isShort(): boolean {
  return short;
}

/** Does what must be written down; where the device refuses, once more with the pictures gone. `work`
 * is a transaction: refused, it has left nothing. */
export async function withRoom<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    short = true;
    await dropPictures();
    return work();
  }
}
