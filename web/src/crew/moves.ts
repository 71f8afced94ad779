/** Which moves a task allows, worked out here as the service does it (its table of moves): after
 * something was done without a signal, nobody else can say what comes next. */
import type { TaskProperties } from '../types';
import { MOVES, type Move, type OfflineAction } from './types';

/** What a move depends on. */
export interface Standing {
  status: string;
  /** In one's own hand, in another's, in nobody's. */
  hand: 'mine' | 'other' | 'none';
}

const OPEN = ['received', 'assigned', 'in_progress', 'waiting'];
const STARTS: Record<Move, string[]> = {
  take: ['received', 'assigned'],
  start: ['assigned', 'waiting'],
  wait: ['assigned', 'in_progress'],
  release: ['assigned', 'in_progress', 'waiting'],
  resolve: OPEN,
  note: [],
};
const ENDS: Record<Exclude<Move, 'note'>, string> = {
  take: 'assigned',
  start: 'in_progress',
  wait: 'waiting',
  release: 'assigned',
  resolve: 'resolved',
};
/** Moves that want a sentence, which the sender and the public read. */
export const WORDED: readonly Move[] = ['wait', 'resolve'];

export function standing(it: TaskProperties): Standing {
  return { status: it.status, hand: it.holder ? (it.holder.mine ? 'mine' : 'other') : 'none' };
}

export function isOpen(status: string): boolean {
  return OPEN.includes(status);
}

export function canDo(move: Move, { status, hand }: Standing): boolean {
  if (move === 'note') return true;
  if (!STARTS[move].includes(status)) return false;
  if (hand === 'none') return move !== 'release';
  return hand === 'mine' ? move !== 'take' : false;
}

export function after(move: Move, { status, hand }: Standing): Standing {
  if (move === 'note') return { status, hand };
  const held = move === 'take' || move === 'start' || (move === 'wait' && hand !== 'none');
  return { status: ENDS[move], hand: held ? 'mine' : 'none' };
}

export function possible(now: Standing): Move[] {
  return MOVES.filter((move) => canDo(move, now));
}

/** How a task stands once all that waits here has been done. */
export function foreseen(it: TaskProperties, waiting: readonly OfflineAction[]): Standing {
  return waiting.reduce((now, { move }) => after(move, now), standing(it));
}

/** Of one's own actions in their order, which still can be done on top of how it stands now. */
export function stillDone(
  now: Standing,
  mine: readonly OfflineAction[],
): { again: OfflineAction[]; left: OfflineAction[] } {
  const again: OfflineAction[] = [];
  const left: OfflineAction[] = [];
  for (const action of mine) {
    if (canDo(action.move, now)) {
      again.push(action);
      now = after(action.move, now);
    } else left.push(action);
  }
  return { again, left };
}
