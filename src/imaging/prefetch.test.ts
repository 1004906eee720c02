import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { prefetch } from "./prefetch.ts";

const collect = async <T>(results: AsyncIterable<T>): Promise<T[]> => {
  const collected: T[] = [];
  for await (const result of results) collected.push(result);
  return collected;
};

/** Tasks that take the given times; `running` and `most` watch how many run at once. */
const watchedTasks = (durations: number[]) => {
  const watch = { started: 0, running: 0, most: 0, closed: false };
  function* tasks() {
    try {
      for (const [index, duration] of durations.entries()) {
        yield async () => {
          watch.started++;
          watch.most = Math.max(watch.most, ++watch.running);
          await sleep(duration);
          watch.running--;
          return index;
        };
      }
    } finally {
      watch.closed = true;
    }
  }
  return { watch, tasks: tasks() };
};

test("results come in the order of the tasks, with at most `ahead` running", async () => {
  const { watch, tasks } = watchedTasks([30, 1, 20, 1, 10, 1, 1]);
  expect(await collect(prefetch(tasks, 3))).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(watch.most).toBe(3);
});

test("further tasks run while the consumer works", async () => {
  const { watch, tasks } = watchedTasks([1, 1, 1, 1]);
  for await (const _ of prefetch(tasks, 2)) {
    await sleep(20);
    expect(watch.started).toBe(3);
    break;
  }
});

test("an error comes at its place in the order, and nothing starts after it", async () => {
  let started = 0;
  const late = async (value: number) => {
    started++;
    await sleep(20);
    return value;
  };
  const fail = async (): Promise<number> => {
    started++;
    throw new Error("task 1 failed");
  };
  const seen: number[] = [];
  const consume = async () => {
    for await (const value of prefetch([() => late(0), fail, () => late(2), () => late(3), () => late(4)], 2)) seen.push(value);
  };
  await expect(consume()).rejects.toThrow("task 1 failed");
  expect(seen).toEqual([0]);
  expect(started).toBe(3);
});

test("a task that throws instead of rejecting is an error like any other", async () => {
  const tasks = [
    async () => 0,
    () => {
      throw new Error("thrown at once");
    },
  ];
  await expect(collect(prefetch<number>(tasks, 5))).rejects.toThrow("thrown at once");
});

test("leaving the loop stops the tasks and waits for those under way", async () => {
  const { watch, tasks } = watchedTasks(Array(20).fill(5));
  for await (const value of prefetch(tasks, 3)) if (value === 1) break;
  expect(watch.running).toBe(0);
  expect(watch.started).toBeLessThanOrEqual(5);
  expect(watch.closed).toBe(true);
});

test("undefined is a result like any other", async () => {
  expect(await collect(prefetch([async () => undefined, async () => undefined], 1))).toEqual([undefined, undefined]);
});

test("read-ahead must be a positive whole number", async () => {
  await expect(collect(prefetch([], 0))).rejects.toThrow("Read-ahead must be a positive whole number, not 0.");
});
