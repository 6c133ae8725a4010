/** src/sources/poll-timer.ts: who shares the one timer, and when each is called. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BEAT_MS, onBeat, onNextBeat, QUIET_BEAT_MS, setPace } from "../../../src/sources/poll-timer.ts";

const stops: (() => void)[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});

afterEach(() => {
  setPace("quick");
  for (const stop of stops.splice(0)) stop();
  vi.useRealTimers();
});

function listen(everyMs: number, name: string, into: string[]): () => void {
  const stop = onBeat(everyMs, () => into.push(name));
  stops.push(stop);
  return stop;
}

describe("a beat", () => {
  test("calls each as often as it wants to be called, with one timer for all", () => {
    const called: string[] = [];
    listen(BEAT_MS, "each", called);
    listen(2 * BEAT_MS, "second", called);
    listen(5 * BEAT_MS, "fifth", called);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(20 * BEAT_MS);
    const count = (name: string) => called.filter((one) => one === name).length;
    expect({ each: count("each"), second: count("second"), fifth: count("fifth") }).toEqual({
      each: 20,
      second: 10,
      fifth: 4,
    });
  });

  test("calls those of one period in one turn, in the order in which they came", () => {
    const called: string[] = [];
    listen(2 * BEAT_MS, "first", called);
    vi.advanceTimersByTime(BEAT_MS);
    listen(2 * BEAT_MS, "second", called);
    vi.advanceTimersByTime(2 * BEAT_MS);
    expect(called.slice(-2)).toEqual(["first", "second"]);
  });

  test("does not call one that another has stopped in the same turn", () => {
    const called: string[] = [];
    stops.push(onBeat(BEAT_MS, () => stopSecond()));
    const stopSecond = listen(BEAT_MS, "second", called);
    vi.advanceTimersByTime(3 * BEAT_MS);
    expect(called).toEqual([]);
  });

  test("has no timer when nobody listens, and one again when somebody does", () => {
    const called: string[] = [];
    listen(BEAT_MS, "one", called)();
    expect(vi.getTimerCount()).toBe(0);
    listen(BEAT_MS, "two", called);
    vi.advanceTimersByTime(BEAT_MS);
    expect(called).toEqual(["two"]);
  });
});

describe("while it is quiet", () => {
  test("each is called as seldom as it allows, with the same one timer", () => {
    const called: string[] = [];
    stops.push(onBeat(2 * BEAT_MS, () => called.push("seldom"), 2 * QUIET_BEAT_MS));
    listen(QUIET_BEAT_MS, "as ever", called);
    setPace("quiet");
    vi.advanceTimersByTime(20 * QUIET_BEAT_MS);
    const count = (name: string) => called.filter((one) => one === name).length;
    expect([count("seldom"), count("as ever"), vi.getTimerCount()]).toEqual([10, 20, 1]);
  });

  test("one that has no word for it is called at every beat, which come seldom", () => {
    const called: string[] = [];
    listen(BEAT_MS, "one", called);
    setPace("quiet");
    vi.advanceTimersByTime(4 * QUIET_BEAT_MS);
    expect(called).toHaveLength(4);
  });

  test("when it is over each has its turn as soon as ever", () => {
    const called: string[] = [];
    stops.push(onBeat(2 * BEAT_MS, () => called.push("one"), 4 * QUIET_BEAT_MS));
    setPace("quiet");
    vi.advanceTimersByTime(QUIET_BEAT_MS + BEAT_MS);
    setPace("quick");
    vi.advanceTimersByTime(2 * BEAT_MS);
    expect(called).toHaveLength(1);
    vi.advanceTimersByTime(10 * BEAT_MS);
    expect(called).toHaveLength(6);
  });

  test("nobody needs a timer, and the next one has that of the pace", () => {
    setPace("quiet");
    expect(vi.getTimerCount()).toBe(0);
    const called: string[] = [];
    listen(BEAT_MS, "one", called);
    vi.advanceTimersByTime(QUIET_BEAT_MS - 1);
    expect(called).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(called).toEqual(["one"]);
  });
});

describe("the next beat", () => {
  test("calls once, and lets itself be asked for again from there", () => {
    const called: number[] = [];
    const again = (): void => {
      called.push(called.length);
      if (called.length < 3) stops.push(onNextBeat(again));
    };
    stops.push(onNextBeat(again));
    for (let beats = 1; beats <= 5; beats++) {
      vi.advanceTimersByTime(BEAT_MS);
      expect(called).toHaveLength(Math.min(beats, 3));
    }
  });

  test("can be taken back", () => {
    const called: string[] = [];
    onNextBeat(() => called.push("called"))();
    vi.advanceTimersByTime(2 * BEAT_MS);
    expect(called).toEqual([]);
  });
});
