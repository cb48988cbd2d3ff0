import { expect, it } from 'vitest';
import { type UnreadAnswer, UnreadAnswers } from './unread-answers.ts';

function start(limitBytes: number) {
  let nowMs = 1000;
  const answers = new UnreadAnswers(limitBytes, () => nowMs);
  const cut: string[] = [];
  const open = (name: string, sizeBytes: number, isWaiting = true) => {
    const answer: UnreadAnswer = {
      sizeBytes,
      waitingSinceMs: isWaiting ? nowMs : undefined,
      cut: () => void cut.push(name),
    };
    return answers.add(answer);
  };
  const later = (ms: number) => {
    nowMs += ms;
    answers.check();
  };
  return { answers, cut, open, later };
}

it('cuts off who has not read for two minutes', () => {
  const { answers, cut, open, later } = start(1000);
  open('a', 10);
  later(60_000);
  const close = open('b', 10);
  open('made', 10, false);
  later(59_999);
  expect(cut).toEqual([]);
  later(1);
  expect(cut).toEqual(['a']);
  close();
  later(1e9);
  expect(cut).toEqual(['a']);
  expect(answers.usedBytes).toBe(10);
});

it('cuts off those that read least recently while there is no room, and only as many as must go', () => {
  const { answers, cut, open, later } = start(1000);
  open('a', 600);
  later(1000);
  open('b', 300);
  later(1000);
  open('c', 300);
  // Who reads slowly is not taken for who does not.
  later(27_999);
  expect(cut).toEqual([]);
  later(1);
  expect(cut).toEqual(['a']);
  open('d', 900);
  later(1000);
  expect(cut).toEqual(['a', 'b']);
  later(1000);
  expect(cut).toEqual(['a', 'b', 'c']);
  expect(answers.usedBytes).toBe(900);
});

it('waits for two seconds only where there is not even room for half, until the rest fits', () => {
  const { cut, open, later } = start(1000);
  open('a', 600);
  later(1000);
  open('b', 1500);
  later(999);
  expect(cut).toEqual([]);
  later(1);
  expect(cut).toEqual(['a']);
  later(27_000);
  expect(cut).toEqual(['a']);
  later(2000);
  expect(cut).toEqual(['a', 'b']);
});
