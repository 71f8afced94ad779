/** Words compared the way people type them. */

/** Lower case, without Vietnamese marks, đ as d: "Bến Thành" → "ben thanh". */
export function plain(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .replaceAll('đ', 'd')
    .replace(/\s+/g, ' ')
    .trim();
}

/** The items whose name holds every word asked for. Names that match with their marks come first,
 * because without marks two wards can be one ("Thanh An", "Thạnh An"); then names starting so. */
export function search<T>(items: readonly T[], asked: string, name: (item: T) => string): T[] {
  const words = plain(asked).split(' ').filter(Boolean);
  if (words.length === 0) return [...items];
  const exact = asked.normalize('NFC').toLowerCase().trim();
  const ranked: { item: T; rank: number }[] = [];
  for (const item of items) {
    const bare = plain(name(item));
    if (!words.every((word) => ` ${bare}`.includes(` ${word}`))) continue;
    const marked = name(item).normalize('NFC').toLowerCase();
    const rank = marked.endsWith(` ${exact}`) ? 0 : marked.includes(exact) ? 1 : 2;
    ranked.push({ item, rank });
  }
  return ranked.sort((a, b) => a.rank - b.rank).map(({ item }) => item);
}
