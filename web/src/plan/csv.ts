/** Tables as files that a spreadsheet opens right. UTF-8 with its mark, without which Excel takes the
 * letters for those of another alphabet; commas, which it takes for what they are where Vietnamese is
 * set, too; numbers with a point and without groups. */

export type Cell = string | number | null;

const MARK = '\uFEFF';
/** Texts that a spreadsheet would run as a formula; an apostrophe makes them text again, as the
 * service does in its own tables. */
const FORMULA = /^'*[=+\-@\t\r\n]/;

function cell(value: Cell): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csv(rows: Cell[][]): string {
  return MARK + rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** Of a table that the service wrote. */
export function marked(table: string): string {
  return table.startsWith(MARK) ? table : MARK + table;
}

/** Lets the browser keep it, as if it had been downloaded. */
export function keep(content: string | Blob, name: string): void {
  const blob =
    typeof content === 'string' ? new Blob([content], { type: 'text/csv;charset=utf-8' }) : content;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
