/** About 1 m: more digits would only claim a precision no finger has. */
export function rounded(degrees: number): number {
  return Math.round(degrees * 1e5) / 1e5;
}
