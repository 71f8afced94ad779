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

/** Says whether it is remembered. */
export function remember(name: string, value: unknown): boolean {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
    return true;
  } catch {
    return false; // closed or full
  }
}

/** What this page alone remembers, across its reloads. */
export function recallHere<T>(name: string): T | null {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name) ?? 'null') as T | null;
  } catch {
    return null;
  }
}

export function rememberHere(name: string, value: unknown): void {
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // closed or full
  }
}

/** Hears when another page of ours remembers it otherwise, or forgets it. */
export function onRemembered(name: string, heard: () => void): () => void {
  const listen = ({ key }: StorageEvent): void => {
    if (key === PREFIX + name || key === null) heard();
  };
  window.addEventListener('storage', listen);
  return () => window.removeEventListener('storage', listen);
}

export function forget(name: string): void {
  try {
    localStorage.removeItem(PREFIX + name);
  } catch {
    // closed
  }
}
