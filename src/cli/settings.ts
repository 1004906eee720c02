import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { System } from "../systems/system.ts";
import { UsageError } from "./usage.ts";

interface SettingsOptions {
  readonly preset?: string;
  readonly config?: string;
  readonly set?: readonly string[];
}

/** A system's configuration: its defaults, then the preset's, the file's and each `--set`. @throws UsageError as a sentence. */
export const readSettings = async (system: System, { preset = "small", config, set = [] }: SettingsOptions): Promise<unknown> => {
  if (!Object.hasOwn(system.presets, preset)) {
    throw new UsageError(`There is no preset "${preset}". Presets of ${system.name}: ${Object.keys(system.presets).join(", ")}.`);
  }
  let settings = structuredClone(system.presets[preset]);
  if (config !== undefined) settings = merge(settings, await readSettingsFile(config));
  // Joined first, so that `corruption.kind` may stand before or after what belongs to it.
  settings = merge(settings, set.map(parseAssignment).reduce(merge, {}));
  const parsed = system.configSchema.safeParse(settings);
  if (!parsed.success) {
    throw new UsageError(
      [`The settings do not fit ${system.name}:`, z.prettifyError(parsed.error), ...knownSettings(system, parsed.error)].join(
        "\n",
      ),
    );
  }
  return parsed.data;
};

/** Where a setting is misspelt, those that there are, with and without a default. */
const knownSettings = (system: System, { issues }: z.ZodError): string[] => {
  const all = allSettings(system);
  return issues.flatMap(({ code, path }) => {
    const there = path.reduce<unknown>((inner, key) => propertiesOf(inner)?.[String(key)], all);
    const known = propertiesOf(there);
    if (code !== "unrecognized_keys" || known === undefined) return [];
    return [`  ${path.length === 0 ? "There are" : `In ${path.join(".")} there are`}: ${Object.keys(known).join(", ")}.`];
  });
};

/** Whether a system has a setting, such as `image.roi`. */
export const hasSetting = (system: System, setting: string): boolean =>
  setting.split(".").reduce<unknown>((inner, key) => propertiesOf(inner)?.[key], allSettings(system)) !== undefined;

/** Also those without a default, as a JSON schema. */
const allSettings = ({ configSchema }: System): unknown => z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" });

const propertiesOf = (schema: unknown): Record<string, unknown> | undefined =>
  isObject(schema) && isObject(schema.properties) ? schema.properties : undefined;

const readSettingsFile = async (path: string): Promise<unknown> => {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new UsageError(`The settings file "${path}" cannot be read as JSON: ${(error as Error).message}.`);
  }
};

/** `training.steps=500` -> `{ training: { steps: 500 } }`; the value is JSON, or else text. */
export const parseAssignment = (assignment: string): unknown => {
  const at = assignment.indexOf("=");
  if (at < 1) throw new UsageError(`"--set ${assignment}" must have the form key=value, such as training.steps=500.`);
  const text = assignment.slice(at + 1);
  let value: unknown = text;
  try {
    value = JSON.parse(text);
  } catch {
    // Text needs no quotes.
  }
  return assignment
    .slice(0, at)
    .split(".")
    .reduceRight((inner, key) => ({ [key]: inner }), value);
};

/** Objects are joined key by key; anything else is replaced. */
export const merge = (base: unknown, change: unknown): unknown => {
  if (!isObject(base) || !isObject(change)) return change;
  // Another kind of a choice (such as corruption.kind) has other fields: what belonged to the old kind does not carry over.
  if ("kind" in change && base.kind !== change.kind) return change;
  return Object.fromEntries(
    [...new Set([...Object.keys(base), ...Object.keys(change)])].map((key) => [
      key,
      key in change ? merge(base[key], change[key]) : base[key],
    ]),
  );
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
