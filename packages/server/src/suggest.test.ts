import { expect, it } from 'vitest';
import { didYouMean } from './suggest.ts';

it.each([
  ['scrap_interval', ['scrape_interval', 'scrape_timeout'], ', did you mean "scrape_interval"?'],
  ['prot', ['config', 'port'], ', did you mean "port"?'],
  ['Port', ['config', 'port'], ', did you mean "port"?'],
  ['x', ['config', 'port'], ''],
  ['colour', [], ''],
  ['retention', ['path', 'type'], ''],
])('for %j among %j says %j', (word, candidates, text) => {
  expect(didYouMean(word, candidates)).toBe(text);
});
