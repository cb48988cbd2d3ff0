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

it.each([
  [
    'the key of a certificate',
    'tls_config:\n  cert: a\n  key: |\n    -----BEGIN\n    b\n',
    'tls_config:\n  cert: a\n  key: <secret>\n',
  ],
  ['what a plain value may have in it', 'password: a#b,c}d\n', 'password: <secret>\n'],
  ['a value of several lines', 'password:\n  a\n  b\nx: c\n', 'password:\n  <secret>\nx: c\n'],
  ['JSON', '{"basic_auth":{"password":"a"}}', '{"basic_auth":{"password":<secret>}}'],
  ['a comment', 'x: 1 # password: a\n#password: b c\n', 'x: 1 # password: <secret>\n#password: <secret>\n'],
  ['a URL', 'url: "http://u:p@h:1/x"\n', 'url: "http://u:<secret>@h:1/x"\n'],
])('nor %s', (_name, text, shown) => {
  expect(withoutSecrets(text)).toBe(shown);
});
