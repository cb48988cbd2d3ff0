import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endOfHead, headPattern, MAX_QUICK_HEAD_BYTES, parseQuickHead, readAsPattern } from './quick-head.ts';

const plain = 'POST /append HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n';

describe('quick heads', () => {
  it('are read with what the lane needs', () => {
    expect(parseQuickHead(`${plain}\r\n`)).toEqual({
      method: 'POST',
      path: '/append',
      query: '',
      contentLength: 12,
      contentType: undefined,
      contentEncoding: undefined,
      accept: undefined,
      acceptEncoding: undefined,
    });
    const get = 'GET /a/b?x=1&y[]=%7B HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, br\r\n\r\n';
    expect(parseQuickHead(get)).toMatchObject({
      method: 'GET',
      path: '/a/b',
      query: 'x=1&y[]=%7B',
      contentLength: 0,
      acceptEncoding: 'gzip, br',
    });
    expect(parseQuickHead(get.replace(/\?.* HTTP/, '? HTTP'))).toMatchObject({ path: '/a/b', query: '' });
    const head = `${plain}ACCEPT:application/protobuf \r\ncontent-type:\t application/json; a=b\r\nContent-Encoding: snappy\r\nUser-Agent: curl/8 (x)\r\nconnection: Keep-Alive\r\n\r\n`;
    expect(parseQuickHead(head)).toEqual({
      method: 'POST',
      path: '/append',
      query: '',
      contentLength: 12,
      contentType: 'application/json; a=b',
      contentEncoding: 'snappy',
      accept: 'application/protobuf',
      acceptEncoding: undefined,
    });
  });

  it.each([
    ['another method', plain.replace('POST', 'PUT')],
    ['another version', plain.replace('/1.1', '/1.0')],
    ['a query', plain.replace('/append', '/append?x=1')],
    ['a GET with a length', plain.replace('POST', 'GET')],
    ['a GET with a fragment', 'GET /append?a#b HTTP/1.1\r\nHost: x\r\n'],
    ['a GET with a space in its query', 'GET /append?a b HTTP/1.1\r\nHost: x\r\n'],
    ['a GET with bytes beyond ASCII', 'GET /append?\xe9 HTTP/1.1\r\nHost: x\r\n'],
    ['a GET with an escaped path', 'GET /a%65?b HTTP/1.1\r\nHost: x\r\n'],
    ['HEAD', 'HEAD /append HTTP/1.1\r\nHost: x\r\n'],
    ['an origin', 'GET /append HTTP/1.1\r\nHost: x\r\nOrigin: http://y\r\n'],
    ['two accepted encodings', `${plain}Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n`],
    ['an absolute target', plain.replace('/append', 'http://x/append')],
    ['an escaped path', plain.replace('/append', '/app%65nd')],
    ['two spaces', plain.replace('POST ', 'POST  ')],
    ['no host', plain.replace('Host: x\r\n', '')],
    ['an empty host', plain.replace('Host: x', 'Host:')],
    ['two hosts', `${plain}Host: y\r\n`],
    ['no length', plain.replace('Content-Length: 12\r\n', '')],
    ['two lengths', `${plain}Content-Length: 12\r\n`],
    ['a list of lengths', plain.replace('12', '12, 12')],
    ['a signed length', plain.replace('12', '+12')],
    ['a hexadecimal length', plain.replace('12', '0x12')],
    ['an enormous length', plain.replace('12', '9999999999')],
    ['an empty length', plain.replace('12', '')],
    ['chunks', `${plain}Transfer-Encoding: chunked\r\n`],
    ['a transfer encoding in disguise', `${plain}Transfer-Encoding : chunked\r\n`],
    ['an expectation', `${plain}Expect: 100-continue\r\n`],
    ['an upgrade', `${plain}Upgrade: h2c\r\n`],
    ['the wish to close', `${plain}Connection: close\r\n`],
    ['headers named by Connection', `${plain}Connection: keep-alive, X-A\r\n`],
    ['credentials', `${plain}Authorization: Basic eDp5\r\n`],
    ['two encodings', `${plain}Content-Encoding: gzip\r\nContent-Encoding: br\r\n`],
    ['a header that is not known', `${plain}X-Anything: 1\r\n`],
    ['a folded line', `${plain}User-Agent: a\r\n b\r\n`],
    ['a bare line feed', `${plain}User-Agent: a\nb\r\n`],
    ['a bare carriage return', `${plain}User-Agent: a\rb\r\n`],
    ['a null byte', `${plain}User-Agent: a\0b\r\n`],
    ['a byte that is not ASCII', `${plain}User-Agent: \xe9\r\n`],
    ['white space before a name', ` ${plain}`],
    ['white space before a colon', plain.replace('Host:', 'Host :')],
    ['a line without a colon', `${plain}nonsense\r\n`],
    ['a line without a name', `${plain}: a\r\n`],
  ])('are not plain with %s', (_what, head) => {
    expect(parseQuickHead(`${head}\r\n`)).toBeUndefined();
  });

  it('are read as those of another length only where that is all they differ in', () => {
    const lines = ['Host: x', 'Content-Type: application/x-protobuf', 'content-length:\t12 ', 'User-Agent: a 12'];
    const lineOrder = fc.shuffledSubarray(lines, { minLength: 3 });
    const digits = fc.oneof(
      fc.nat().map(String),
      fc.constantFrom('', '007', '0000000001', '1 2', '+1', '12\r\nHost: y'),
    );
    const change = fc.tuple(fc.nat(200), fc.nat(2), fc.constantFrom('', 'a', '1', ' ', '\r', '\n', ':', '\r\n'));
    let repeated = 0;
    fc.assert(
      fc.property(lineOrder, digits, fc.array(change, { maxLength: 1 }), (order, length, changes) => {
        const text = `POST /append HTTP/1.1\r\n${order.join('\r\n')}\r\n\r\n`;
        const head = parseQuickHead(text);
        const pattern = head && headPattern(text, head);
        expect(pattern === undefined).toBe(head === undefined);
        if (pattern === undefined) return;
        let other = text.replace('\t12', `\t${length}`);
        for (const [at, removed, added] of changes) other = other.slice(0, at) + added + other.slice(at + removed);
        const read = readAsPattern(other, pattern);
        if (read === undefined) return;
        repeated++;
        expect(read).toEqual(parseQuickHead(other));
      }),
      { numRuns: 500 },
    );
    expect(repeated).toBeGreaterThan(0);
    expect(
      headPattern('GET /a HTTP/1.1\r\nHost: x\r\n\r\n', parseQuickHead('GET /a HTTP/1.1\r\nHost: x\r\n\r\n')!),
    ).toBeUndefined();
  });

  it('end at the first empty line, which must come soon', () => {
    const head = Buffer.from(`${plain}\r\n`);
    expect(endOfHead(Buffer.concat([head, Buffer.from('\r\n\r\n')]))).toBe(head.length);
    expect(endOfHead(head.subarray(0, -1))).toBe(-1);
    expect(endOfHead(Buffer.alloc(0))).toBe(-1);
    expect(endOfHead(Buffer.from(`${plain}User-Agent: ${'a'.repeat(MAX_QUICK_HEAD_BYTES)}\r\n\r\n`))).toBe(-1);
    fc.assert(
      fc.property(fc.array(fc.constantFrom('\r', '\n', 'a'), { maxLength: 30 }), (characters) => {
        const text = characters.join('');
        const end = endOfHead(Buffer.from(text));
        if (end >= 0) expect(end).toBe(text.indexOf('\r\n\r\n') + 4);
      }),
    );
  });
});
