import type { vi } from './vi';

/** Sentences about what the public does not see, in English. */
export const en: typeof vi = {
  title: 'Moderation',
  lead: 'The public does not see these reports. They are worked on like all others.',
  waiting: (n) =>
    n === '1'
      ? '1 report waits for a look before it is public'
      : `${n} reports wait for a look before they are public`,
  states: { review: 'To be looked at', hidden: 'Hidden' },
  loading: 'Loading the list…',
  failed: 'The list did not load.',
  notAllowed: 'This account may not moderate reports.',
  empty: {
    review: 'No report waits for a look.',
    hidden: 'No report is hidden.',
  },
  more: 'Show more',
  fresh: (n) => (n === '1' ? '1 new report · Show' : `${n} new reports · Show`),
  open: 'Open the report',
  decideHere: 'Decide on this report',
  why: { review: 'Why it is held back', hidden: 'Why it was hidden' },
  sent: (time) => `Sent ${time}`,
  edited: 'The city edited the text',
  hiddenMark: 'hidden',
  release: 'Show to the public',
  hide: 'Keep hidden',
  reason: 'Reason',
  releaseHint: 'Written to the log; the sender is not told.',
  hideHint: 'Written to the log; the sender reads it, too.',
  short: 'Give a reason of at least 3 characters.',
  sending: 'Sending…',
  cancel: 'Cancel',
  failedToSend: 'Not sent.',
  stillHere: 'The reason you wrote is still here.',
  done: {
    release: (code) => `The public sees ${code} now.`,
    hide: (code) => `${code} is hidden from the public.`,
  },
  gone: 'This report is not there any more.',
  stale: {
    title: 'This report changed after you looked at it',
    since: 'This report changed since you left your reason',
    nothing: 'The history of the report changed.',
    fields: {
      state: 'To the public',
      category: 'Category',
      text: 'Text',
      answers: 'Answers to questions',
      additions: 'Additions',
      photos: 'Photos',
    },
    states: { review: 'held back', hidden: 'hidden', public: 'shown' },
    photos: (shown, hidden) => `${shown} shown, ${hidden} hidden`,
    another: 'it was another',
    accept: 'I have seen it as it is now',
    acceptSend: { release: 'Show it as it is now', hide: 'Keep it hidden all the same' },
    cannot: {
      release: 'The public sees this report already: somebody released it.',
      hide: 'This report is hidden already: somebody did it.',
    },
  },
};
