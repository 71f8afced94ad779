/** Makes a photo small before it is sent: a phone's own is ten times what anybody needs to see. */

/** The service keeps no larger ones either. */
const LONGEST = 2048;
const QUALITY = 0.82;
/** The service takes no larger file. */
export const MOST_BYTES = 20_000_000;

export class NoPhoto extends Error {
  constructor(readonly reason: 'type' | 'size') {
    super(reason);
  }
}

/** The photo as JPEG, at most 2048 pixels long, upright, without what else the file says (where and
 * when it was taken, by which device). One that this browser cannot read (HEIC) is passed on as it
 * is: the service cleans all of them anyway. Throws `NoPhoto`. */
export async function shrink(file: Blob, longest = LONGEST): Promise<Blob> {
  if (file.type && !file.type.startsWith('image/')) throw new NoPhoto('type');
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    if (!file.type.startsWith('image/')) throw new NoPhoto('type');
    if (file.size > MOST_BYTES) throw new NoPhoto('size');
    return file;
  }
  try {
    const scale = Math.min(1, longest / Math.max(picture.width, picture.height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    const pen = canvas.getContext('2d');
    if (!pen) throw new NoPhoto('size');
    // JPEG has no transparency: what is clear would come out black.
    pen.fillStyle = '#fff';
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const small = await new Promise<Blob | null>((done) =>
      canvas.toBlob(done, 'image/jpeg', QUALITY),
    );
    if (!small) throw new NoPhoto('size');
    return small;
  } finally {
    picture.close();
  }
}
