import { expect, it } from 'vitest';
import { maskYaml } from './mask-yaml.ts';

const isPassword = (keys: readonly string[]) => keys.at(-1) === 'password';

it.each([
  ['plain', 'password: a#b,c}d # why\nx: 1\n', 'password: *** # why\nx: 1\n'],
  ['plain over two lines', 'password: a\n  b\nx: 1\n', 'password: ***\nx: 1\n'],
  ['on the next line', 'password:\n  a\nx: 1\n', 'password:\n  ***\nx: 1\n'],
  ['in a block', 'a:\n  password: |\n    b\n    c\n  x: 1\n', 'a:\n  password: ***\n  x: 1\n'],
  ['quoted over two lines', 'password: "a\n  b"\nx: 1\n', 'password: ***\nx: 1\n'],
  ['as in JSON', '{"password":"a","x":[{"password":1}]}', '{"password":***,"x":[{"password":***}]}'],
  ['an explicit key', '? password\n: a\n? x\n: 1\n', '? password\n: ***\n? x\n: 1\n'],
  ['with an anchor', 'a:\n  password: &p b\nb:\n  name: *p\n', 'a:\n  password: &p ***\nb:\n  name: *p\n'],
  ['an alias', 'name: &n a\npassword: *n\n', 'name: &n ***\npassword: ***\n'],
  ['a list', 'password: [a, b]\nx: 1\n', 'password: ***\nx: 1\n'],
  ['none', 'password:\nx: 1\n', 'password:\nx: 1\n'],
  ['not YAML', 'password: [a\nx: "', 'password: ***\nx: "'],
])('%s', (_name, text, masked) => {
  expect(maskYaml(text, isPassword, '***')).toBe(masked);
});

it('tells the keys on the way', () => {
  const seen: string[] = [];
  const isMasked = (keys: readonly string[]) => {
    seen.push(keys.join('.'));
    return false;
  };
  maskYaml('a:\n  - b: {c: 1}\n    2: x\n', isMasked, '');
  expect(seen).toEqual(['a', 'a.b', 'a.b.c', 'a.2']);
});
