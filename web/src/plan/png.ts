/** A map as a picture that explains itself: what it shows, of when, in which colours, whose data. */
import type { Colours } from './colours';

export interface Caption {
  title: string;
  /** What is filtered, and the period. */
  lines: string[];
  legend: { colour: string | null; text: string }[];
  foot: string;
}

const FONT = "'Be Vietnam Pro', system-ui, sans-serif";

/** Words put into lines no wider than so many pixels. */
function wrapped(pen: CanvasRenderingContext2D, text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    const longer = last === undefined ? word : `${last} ${word}`;
    if (last !== undefined && pen.measureText(longer).width <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

export async function picture(
  map: HTMLCanvasElement,
  scale: number,
  caption: Caption,
  colours: Colours,
): Promise<Blob> {
  // The file with the Vietnamese letters is asked for by them only.
  await Promise.allSettled(
    [400, 600].map((weight) => document.fonts.load(`${weight} 16px ${FONT}`, 'Aạờư')),
  );
  const edge = 16 * scale;
  const width = map.width;
  const canvas = document.createElement('canvas');
  const pen = canvas.getContext('2d')!;
  const font = (weight: number, size: number): string => `${weight} ${size * scale}px ${FONT}`;
  const room = width - 2 * edge;
  const fitted = (weight: number, size: number, text: string): string[] => {
    pen.font = font(weight, size);
    return wrapped(pen, text, room);
  };
  const title = fitted(600, 20, caption.title);
  const lines = caption.lines.flatMap((line) => fitted(400, 14, line));
  const foot = fitted(400, 12, caption.foot);
  const legend = rows(pen, caption.legend, room, font(400, 14), scale);
  const head = edge * 2 + title.length * 26 * scale + lines.length * 20 * scale;
  const tail = edge * 2 + legend.length * 26 * scale + foot.length * 17 * scale;
  canvas.width = width;
  canvas.height = Math.ceil(head + map.height + tail);

  pen.fillStyle = colours.surface;
  pen.fillRect(0, 0, width, canvas.height);
  pen.textBaseline = 'middle';
  let y = edge;
  const write = (text: string, weight: number, size: number, colour: string, step: number): void => {
    pen.font = font(weight, size);
    pen.fillStyle = colour;
    pen.fillText(text, edge, y + (step * scale) / 2);
    y += step * scale;
  };
  for (const line of title) write(line, 600, 20, colours.ink, 26);
  for (const line of lines) write(line, 400, 14, colours.quiet, 20);
  pen.drawImage(map, 0, head);
  y = head + map.height + edge;
  pen.font = font(400, 14);
  for (const row of legend) {
    for (const { at, colour, text } of row) {
      swatch(pen, edge + at, y + 5 * scale, 16 * scale, colour, colours);
      pen.fillStyle = colours.ink;
      pen.fillText(text, edge + at + 24 * scale, y + 13 * scale);
    }
    y += 26 * scale;
  }
  for (const line of foot) write(line, 400, 12, colours.quiet, 17);
  return new Promise((done, failed) => {
    canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error('no picture'))), 'image/png');
  });
}

function rows(
  pen: CanvasRenderingContext2D,
  legend: Caption['legend'],
  room: number,
  font: string,
  scale: number,
): { at: number; colour: string | null; text: string }[][] {
  pen.font = font;
  const found: { at: number; colour: string | null; text: string }[][] = [];
  let at = Infinity;
  for (const entry of legend) {
    const wide = pen.measureText(entry.text).width + 44 * scale;
    if (at + wide > room) {
      found.push([]);
      at = 0;
    }
    found.at(-1)!.push({ at, ...entry });
    at += wide;
  }
  return found;
}

/** Of no colour: hatched, as on the map. */
function swatch(
  pen: CanvasRenderingContext2D,
  x: number,
  y: number,
  side: number,
  colour: string | null,
  colours: Colours,
): void {
  pen.save();
  pen.beginPath();
  pen.rect(x, y, side, side);
  pen.clip();
  if (colour) {
    pen.fillStyle = colour;
    pen.fill();
  } else {
    pen.strokeStyle = colours.hatch;
    for (let from = -side; from < side; from += side / 3) {
      pen.moveTo(x + from, y + side);
      pen.lineTo(x + from + side, y);
    }
    pen.stroke();
  }
  pen.restore();
  pen.strokeStyle = colours.quiet;
  pen.strokeRect(x, y, side, side);
}
