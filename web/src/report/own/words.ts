import { worded } from '../../i18n/index.svelte';
import { en } from './en';
import { vi } from './vi';

/** In the page's language. */
export const own = (): typeof vi => worded({ vi, en });
