/** src/sources/poll-timer.ts: who shares the one timer, and when each is called. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ACTIVE_POLL_MS, IDLE_POLL_MS, pollEvery, pollOnce, setPollRate } from "../../../src/sources/poll-timer.ts";

const stops: (() => void)[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});

afterEach(() => {
  setPollRate("active");
  for (const stop of stops.splice(0)) stop();
  vi.useRealTimers();
});

function listen(everyMs: number, name: string, into: string[]): () => void {
  const stop = pollEvery(everyMs, () => into.push(name));
  stops.push(stop);
  return stop;
}

describe("a beat", () => {
  test("calls each as often as it wants to be called, with one timer for all", () => {
    const called: string[] = [];
    listen(ACTIVE_POLL_MS, "each", called);
    listen(2 * ACTIVE_POLL_MS, "second", called);
    listen(5 * ACTIVE_POLL_MS, "fifth", called);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(20 * ACTIVE_POLL_MS);
    const count = (name: string) => called.filter((one) => one === name).length;
    expect({ each: count("each"), second: count("second"), fifth: count("fifth") }).toEqual({
      each: 20,
      second: 10,
      fifth: 4,
    });
  });

  test("calls those of one period in one turn, in the order in which they came", () => {
    const called: string[] = [];
    listen(2 * ACTIVE_POLL_MS, "first", called);
    vi.advanceTimersByTime(ACTIVE_POLL_MS);
    listen(2 * ACTIVE_POLL_MS, "second", called);
    vi.advanceTimersByTime(2 * ACTIVE_POLL_MS);
    expect(called.slice(-2)).toEqual(["first", "second"]);
  });

  test("does not call one that another has stopped in the same turn", () => {
    const called: string[] = [];
    stops.push(pollEvery(ACTIVE_POLL_MS, () => stopSecond()));
    const stopSecond = listen(ACTIVE_POLL_MS, "second", called);
    vi.advanceTimersByTime(3 * ACTIVE_POLL_MS);
    expect(called).toEqual([]);
  });

  test("has no timer when nobody listens, and one again when somebody does", () => {
    const called: string[] = [];
    listen(ACTIVE_POLL_MS, "one", called)();
    expect(vi.getTimerCount()).toBe(0);
    listen(ACTIVE_POLL_MS, "two", called);
    vi.advanceTimersByTime(ACTIVE_POLL_MS);
    expect(called).toEqual(["two"]);
  });
});

describe("while it is quiet", () => {
  test("each is called as seldom as it allows, with the same one timer", () => {
    const called: string[] = [];
    stops.push(pollEvery(2 * ACTIVE_POLL_MS, () => called.push("seldom"), 2 * IDLE_POLL_MS));
    listen(IDLE_POLL_MS, "as ever", called);
    setPollRate("idle");
    vi.advanceTimersByTime(20 * IDLE_POLL_MS);
    const count = (name: string) => called.filter((one) => one === name).length;
    expect([count("seldom"), count("as ever"), vi.getTimerCount()]).toEqual([10, 20, 1]);
  });

  test("one that has no word for it is called at every beat, which come seldom", () => {
    const called: string[] = [];
    listen(ACTIVE_POLL_MS, "one", called);
    setPollRate("idle");
    vi.advanceTimersByTime(4 * IDLE_POLL_MS);
    expect(called).toHaveLength(4);
  });

  test("when it is over each has its turn as soon as ever", () => {
    const called: string[] = [];
    stops.push(pollEvery(2 * ACTIVE_POLL_MS, () => called.push("one"), 4 * IDLE_POLL_MS));
    setPollRate("idle");
    vi.advanceTimersByTime(IDLE_POLL_MS + ACTIVE_POLL_MS);
    setPollRate("active");
    vi.advanceTimersByTime(2 * ACTIVE_POLL_MS);
    expect(called).toHaveLength(1);
    vi.advanceTimersByTime(10 * ACTIVE_POLL_MS);
    expect(called).toHaveLength(6);
  });

  test("nobody needs a timer, and the next one has that of the pace", () => {
    setPollRate("idle");
    expect(vi.getTimerCount()).toBe(0);
    const called: string[] = [];
    listen(ACTIVE_POLL_MS, "one", called);
    vi.advanceTimersByTime(IDLE_POLL_MS - 1);
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
      if (called.length < 3) stops.push(pollOnce(again));
    };
    stops.push(pollOnce(again));
    for (let beats = 1; beats <= 5; beats++) {
      vi.advanceTimersByTime(ACTIVE_POLL_MS);
      expect(called).toHaveLength(Math.min(beats, 3));
    }
  });

  test("can be taken back", () => {
    const called: string[] = [];
    pollOnce(() => called.push("called"))();
    vi.advanceTimersByTime(2 * ACTIVE_POLL_MS);
    expect(called).toEqual([]);
  });
});
