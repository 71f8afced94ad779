/** Reports that wait to be sent. */
import type { NewReport } from '../types';

export interface OutgoingReport {
  /** Its Idempotency-Key: sent again, it is the same report. */
  key: string;
  report: NewReport;
  /** Photos by their id on this device. */
  photos: string[];
  at: number;
}
