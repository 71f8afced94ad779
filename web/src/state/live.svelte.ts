/** Whether the map is live, for whoever wants to know. */
import type { LiveState } from '../live/stream';

export const live = $state<{ state: LiveState }>({ state: 'connecting' });
