import type { Fault, ProxiedRequest } from '@opendata/storage/testing';

type Chooser = (request: ProxiedRequest) => Fault | undefined;

/** One way in which the way to the store, or the server itself, fails. */
export interface FaultKind {
  readonly name: string;
  /** What the proxy does meanwhile; chosen anew for every request. */
  readonly requests: (random: () => number) => Chooser;
  /** How long it lasts, in ms. */
  readonly holdMs: (random: () => number) => number;
  /** What happens to the server in the middle of it. */
  readonly server?: 'kill' | 'fence';
  /** What happens to the credentials with which it asks the store. */
  readonly credentials?: 'rotate' | 'expire';
  /** The store is gone for longer than a write may wait: some must have been refused. */
  readonly refuses?: boolean;
}

const always =
  (fault: Fault): FaultKind['requests'] =>
  () =>
  () =>
    fault;

/** `share` of the requests, of those that `concerns` holds for. */
const sometimes =
  (
    share: number,
    fault: (random: () => number) => Fault,
    concerns: (request: ProxiedRequest) => boolean = () => true,
  ): FaultKind['requests'] =>
  (random) =>
  (request) =>
    concerns(request) && random() < share ? fault(random) : undefined;

const shortly = (random: () => number) => 400 + random() * 900;
const mixed: Fault[] = [
  { kind: 'status', status: 500, code: 'InternalError' },
  { kind: 'status', status: 503, code: 'SlowDown' },
  { kind: 'reset' },
  { kind: 'lostAnswer' },
  { kind: 'halfAnswer' },
  { kind: 'halfRequest' },
  { kind: 'latency', delayMs: 200 },
];
const anyOfMixed = (random: () => number): Fault => mixed[Math.floor(random() * mixed.length)]!;
const isPut = ({ method }: ProxiedRequest) => method === 'PUT';

/** Everything that stands between a server and its bucket goes wrong in each of these ways. */
export const faultKinds: readonly FaultKind[] = [
  {
    name: 'latency of up to 800 ms',
    requests: sometimes(1, (random) => ({ kind: 'latency', delayMs: 50 + random() * 750 })),
    holdMs: shortly,
  },
  {
    name: '500 to everything',
    requests: always({ kind: 'status', status: 500, code: 'InternalError' }),
    holdMs: shortly,
  },
  { name: '503 to everything', requests: always({ kind: 'status', status: 503, code: 'SlowDown' }), holdMs: shortly },
  {
    name: '500 and 503 to half of the requests',
    requests: sometimes(0.5, (random) => ({ kind: 'status', status: random() < 0.5 ? 500 : 503 })),
    holdMs: shortly,
  },
  { name: 'resets of all connections', requests: always({ kind: 'reset' }), holdMs: shortly },
  { name: 'resets of half of the connections', requests: sometimes(0.5, () => ({ kind: 'reset' })), holdMs: shortly },
  { name: 'half-written bodies', requests: sometimes(1, () => ({ kind: 'halfRequest' }), isPut), holdMs: shortly },
  {
    name: 'half-read bodies',
    requests: sometimes(
      1,
      () => ({ kind: 'halfAnswer' }),
      ({ method }) => method === 'GET',
    ),
    holdMs: shortly,
  },
  { name: 'lost answers of puts', requests: sometimes(0.7, () => ({ kind: 'lostAnswer' }), isPut), holdMs: shortly },
  {
    name: 'no manifest can be written',
    requests: sometimes(
      1,
      () => ({ kind: 'status', status: 503 }),
      (request) => isPut(request) && request.path.includes('/manifest/'),
    ),
    holdMs: (random) => 2000 + random() * 1500,
  },
  { name: 'a mixture of faults', requests: sometimes(0.4, anyOfMixed), holdMs: shortly },
  { name: 'no answers', requests: always({ kind: 'blackhole' }), holdMs: shortly },
  {
    name: 'an outage of many deadlines',
    requests: (random) => (random() < 0.5 ? () => ({ kind: 'blackhole' }) : () => ({ kind: 'reset' })),
    holdMs: (random) => 5000 + random() * 3000,
    refuses: true,
  },
  { name: 'credentials that are rotated', requests: () => () => undefined, holdMs: shortly, credentials: 'rotate' },
  {
    name: 'credentials that expire and are not renewed',
    requests: () => () => undefined,
    holdMs: (random) => 2500 + random() * 1000,
    credentials: 'expire',
  },
  { name: 'kill -9 of the server', requests: () => () => undefined, holdMs: shortly, server: 'kill' },
  { name: 'kill -9 amid a mixture of faults', requests: sometimes(0.4, anyOfMixed), holdMs: shortly, server: 'kill' },
  { name: 'a second writer', requests: () => () => undefined, holdMs: shortly, server: 'fence' },
  {
    name: 'a second writer while the store is slow',
    requests: sometimes(1, (random) => ({ kind: 'latency', delayMs: random() * 100 })),
    holdMs: shortly,
    server: 'fence',
  },
];
