/** A scrape that brought nothing usable; the message goes to the log and the targets page. */
export class ScrapeError extends Error {
  override readonly name = 'ScrapeError';
}
