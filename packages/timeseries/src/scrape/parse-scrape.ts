import { beginExposition, type ExpositionSamples, expositionFormatOf, SCRAPE_PROTOCOLS } from '@opendata/wire';
import { createYielder } from '../head/yielder.ts';
import type { ScrapeJob } from '../model/scrape-config.ts';
import { ScrapeError, type ScrapeResponse } from './fetch.ts';

const LINES_PER_TURN = 2000;

/**
 * Parses the body of a scrape; large ones leave the event loop its turns.
 * @throws ScrapeError for a type that is not an exposition's; WireError where the body is malformed
 */
export async function parseScrape(
  { body, contentType }: ScrapeResponse,
  { fallbackProtocol, histograms }: Pick<ScrapeJob, 'fallbackProtocol' | 'histograms'>,
): Promise<ExpositionSamples> {
  const fallback = fallbackProtocol === undefined ? undefined : expositionFormatOf(SCRAPE_PROTOCOLS[fallbackProtocol]);
  const format = expositionFormatOf(contentType, fallback);
  if (format === undefined) {
    throw new ScrapeError(
      contentType === undefined
        ? 'non-compliant scrape target sending blank Content-Type'
        : `received unsupported Content-Type ${JSON.stringify(contentType)}`,
    );
  }
  const parse = beginExposition(body, format, histograms);
  const yielder = createYielder();
  while (!parse.parseLines(LINES_PER_TURN)) await yielder();
  return parse.finish();
}
