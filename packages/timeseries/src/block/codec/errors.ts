/** The bytes of a page are not what the format says. */
export class PageFormatError extends Error {
  override readonly name = 'PageFormatError';
  /** Where in the page, in bytes from its start. */
  readonly offset: number;
  readonly reason: string;

  constructor(offset: number, reason: string) {
    super(`damaged page at byte ${offset}: ${reason}`);
    this.offset = offset;
    this.reason = reason;
  }
}
