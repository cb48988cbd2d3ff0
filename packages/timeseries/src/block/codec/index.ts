export { PageFormatError } from './errors.ts';
export type { MaybeHistogram } from './histograms-encode.ts';
export { type PageLimits, PageReader } from './page-reader.ts';
export { type PageSizes, PageWriter } from './page-writer.ts';
