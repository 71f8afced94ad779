/** What a crew works with. */

/** An open report as a crew sees it: the properties of `GET /api/v1/tasks/nearby` that are read. */
export interface Task {
  code: string;
}

/** Something done to a task, kept until the service has answered: an item of
 * `POST /api/v1/tasks/actions`, with photos by their id on this device. */
export interface OfflineAction {
  id: string;
  code: string;
  photos: string[];
  /** When it was done, in milliseconds since 1970. */
  at: number;
}
