/** What this device remembers, as JSON under one prefix. Storage that is closed or full only means
 * that nothing survives a reload: the pages go on. */
const PREFIX = 'pinward.';

export function recall<T>(name: string): T | null {
  try {
    const value = localStorage.getItem(PREFIX + name);
    return value === null ? null : (JSON.parse(value) as T);
  } catch {
    return null;
  }
}

export function remember(name: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // closed or full
  }
}

export function forget(name: string): void {
  try {
    localStorage.removeItem(PREFIX + name);
  } catch {
    // closed
  }
}
