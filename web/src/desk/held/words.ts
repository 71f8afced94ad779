import { worded } from '../../i18n/index.svelte';
import { en } from './en';
import { vi } from './vi';

/** In the page's language. */
export const held = (): typeof vi => worded({ vi, en });
