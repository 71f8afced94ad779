/** How the map looks: which layers are on (kept on this device), light or dark (the system's). */
import { GROUPS, type Group, type Shown } from '../map/style';
import { recall, remember } from './storage';

const FIRST: Shown = {
  reports: true,
  hotspots: true,
  alerts: true,
  schools: true,
  clinics: true,
  wards: true,
};

function stored(): Shown {
  const kept = recall<Partial<Shown>>('layers') ?? {};
  const shown = { ...FIRST };
  for (const group of GROUPS) {
    const value = kept[group];
    if (typeof value === 'boolean') shown[group] = value;
  }
  return shown;
}

export const shown = $state<Shown>(stored());

export function toggle(group: Group): void {
  shown[group] = !shown[group];
  remember('layers', shown);
}

const system = matchMedia('(prefers-color-scheme: dark)');
export const theme = $state({ dark: system.matches });
system.addEventListener('change', () => (theme.dark = system.matches));
