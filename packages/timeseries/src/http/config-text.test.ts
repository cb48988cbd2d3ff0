import { expect, it } from 'vitest';
import { withoutSecrets } from './config-text.ts';

it('a configuration is shown without its secrets', () => {
  const text = `scrape_configs:
  - job_name: a
    basic_auth: {username: u, password: hunter2, password_file: /run/p}
  - job_name: b
    authorization:
      type: Bearer
      credentials: "a \\" b" # comment
  - job_name: c
    basic_auth:
      password: |
        first
        second
      username: v
`;
  expect(withoutSecrets(text)).toBe(`scrape_configs:
  - job_name: a
    basic_auth: {username: u, password: <secret>, password_file: /run/p}
  - job_name: b
    authorization:
      type: Bearer
      credentials: <secret> # comment
  - job_name: c
    basic_auth:
      password: <secret>
      username: v
`);
});
