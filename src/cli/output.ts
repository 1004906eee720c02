import { basename, relative } from "node:path";
import colours from "picocolors";
import type { SkippedFile } from "../imaging/index.ts";
import type { Measure } from "../metrics/index.ts";
import type { Comparison, ReportData } from "../report/index.ts";
import type { Listener, ProgressEvent } from "../training/index.ts";
import { Interrupted } from "./usage.ts";

/** People read standard output, unless a machine does: then only the last line, one JSON object, goes there. */
export const output = (json: boolean | undefined) => ({
  say: (text = ""): void => (json ? undefined : console.log(text)),
  finish: (result: unknown): void => (json ? console.log(JSON.stringify(result)) : undefined),
});

/**
 * What a user who began this process types before a command: npm's scripts, and npx, find `lynceus` in this folder only, and who
 * named the program's file to node does so again.
 */
export const commandName = (
  { npm_lifecycle_event }: NodeJS.ProcessEnv = process.env,
  script: string | undefined = process.argv[1],
): string => {
  if (npm_lifecycle_event !== undefined) return "npx lynceus";
  return script !== undefined && basename(script) === "main.js" ? `node ${quoted(relative("", script))}` : "lynceus";
};

/** A command that can be pasted: arguments with spaces and the like in quotes. */
export const command = (...words: readonly string[]): string => [commandName(), ...words.map(quoted)].join(" ");

const quoted = (word: string): string => (/^[\w./\\:=@%+,~-]+$/.test(word) ? word : `"${word}"`);

/** A file's name for a terminal: what would move its cursor or colour it is written out. */
export const shown = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, "0")}`);

/** Names files that could not be used, each once for a reason, on standard error. */
export const sayFailures = (failures: readonly SkippedFile[]): readonly SkippedFile[] => {
  const once = [...new Map(failures.map((failure) => [JSON.stringify([failure.path, failure.reason]), failure])).values()];
  for (const { path, reason } of once) {
    // Most reasons name the file already.
    const named = reason.includes(path) ? shown(reason) : `${shown(path)}: ${shown(reason)}`;
    console.error(`${colours.yellow("skipped:")} ${named}`);
  }
  return once;
};

/** Without a terminal a line is written after so many milliseconds, so that a log shows that work goes on, and stays short. */
const SPARSE = 15_000;

/** Shows progress as one changing line on a terminal, and elsewhere as a new line now and then; warnings always. */
export const progress = (stream: NodeJS.WriteStream = process.stderr): Listener & { end(): void } => {
  let drawn = false;
  let last = stream.isTTY ? 0 : performance.now();
  const clear = (): void => {
    if (drawn) stream.write("\r\x1b[2K");
    drawn = false;
  };
  const listener = (event: ProgressEvent): void => {
    if (event.kind === "warning") {
      clear();
      stream.write(`${colours.yellow("warning:")} ${shown(event.text)}\n`);
      return;
    }
    const now = performance.now();
    if (!stream.isTTY) {
      if (now - last < SPARSE) return;
      last = now;
      stream.write(`${describeBriefly(event)}\n`);
      return;
    }
    const finished = event.kind === "step" && event.step === event.total;
    if (now - last < 100 && event.kind !== "stage" && !finished) return;
    last = now;
    clear();
    stream.write(describe(event).slice(0, Math.max(20, (stream.columns ?? 80) - 1)));
    drawn = true;
  };
  return Object.assign(listener, { end: clear });
};

const describe = (event: Exclude<ProgressEvent, { kind: "warning" }>): string => {
  if (event.kind === "stage") return event.text;
  if (event.kind === "count") return `${event.text} ${event.done}/${event.total}`;
  const { step, total, loss, learningRate, secondsLeft } = event;
  const left = secondsLeft === undefined ? "" : `  ${duration(secondsLeft)} left`;
  return `step ${step}/${total}  loss ${loss.toPrecision(4)}  rate ${learningRate.toPrecision(2)}${left}`;
};

/** The same for a log. */
const describeBriefly = (event: Exclude<ProgressEvent, { kind: "warning" }>): string => {
  if (event.kind === "stage") return event.text;
  if (event.kind === "count") return `${event.text}: ${event.done} of ${event.total}`;
  return `step ${event.step} of ${event.total}${event.secondsLeft === undefined ? "" : `, ${duration(event.secondsLeft)} left`}`;
};

const duration = (seconds: number): string =>
  seconds < 90
    ? `${Math.round(seconds)} s`
    : seconds < 5400
      ? `${Math.round(seconds / 60)} min`
      : `${(seconds / 3600).toFixed(1)} h`;

/** `0.931 [0.902, 0.957]`. */
export const formatMeasure = ({ value, low, high }: Measure): string =>
  `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;

/** Measures under each other; numbers of things are whole, and have no interval. */
export const formatMeasures = (measures: ReportData["measures"] = []): string =>
  measures
    .map(({ name, value, low, high, count }) => {
      const isEstimate = low !== undefined && high !== undefined;
      const text = count ? String(value) : isEstimate ? formatMeasure({ value, low, high }) : value.toFixed(3);
      return `  ${name.padEnd(28)}${text}`;
    })
    .join("\n");

/** A comparison as text, columns aligned. */
export const formatTable = ({ columns, rows }: Comparison): string => {
  const text = (cell: Comparison["rows"][number]["cells"][number]): string => {
    if (cell === null) return "";
    if (typeof cell === "object") {
      return cell.low === undefined || cell.high === undefined ? cell.value.toFixed(3) : formatMeasure(cell as Measure);
    }
    if (typeof cell === "string") return cell;
    return Number.isInteger(cell) ? String(cell) : cell.toPrecision(4);
  };
  const lines = [["", ...columns.map(({ name }) => name)], ...rows.map(({ name, cells }) => [name, ...cells.map(text)])];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines
    .map(
      (line) =>
        `  ${line
          .map((cell, column) => cell.padEnd(widths[column]))
          .join("  ")
          .trimEnd()}`,
    )
    .join("\n");
};

/** Aborts at the first Ctrl-C or request to end, so that work can be saved; a second one ends the process, as it does where nobody listens. */
export const interruptible = (): AbortSignal => {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      process.stderr.write("\nSaving; press Ctrl-C again to stop at once.\n");
      controller.abort(new Interrupted("Stopped."));
    });
  }
  return controller.signal;
};
