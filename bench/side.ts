import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A process that runs a workload on request: `train N` and `predict N` answer with N times in seconds, `weights` with their number, `peak` with bytes. */
export interface Side {
  ask<Answer>(request: string): Promise<Answer>;
  stop(): void;
}

/** Starts one side of a comparison and waits until it is ready. @throws Error when it ends before it answered. */
export const start = async (command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Side> => {
  const child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async <Answer>(): Promise<Answer> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${command} ${args.join(" ")} ended before it answered.`);
    return JSON.parse(value) as Answer;
  };
  await answer();
  return {
    ask: (request) => {
      child.stdin.write(`${request}\n`);
      return answer();
    },
    stop: () => child.stdin.end(),
  };
};
