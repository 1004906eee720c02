import { denoising } from "./denoising/system.ts";
import { distillation } from "./distillation/system.ts";
import { forgery } from "./forgery/system.ts";
import { grading } from "./grading/system.ts";
import { progression } from "./progression/system.ts";
import type { System } from "./system.ts";

/** Every system, in the order in which help lists them. */
export const systems: readonly System[] = [denoising, distillation, grading, forgery, progression];

/** @throws Error listing the systems when there is none of that name. */
export const systemNamed = (name: string): System => {
  const found = systems.find((system) => system.name === name);
  if (found === undefined)
    throw new Error(`There is no system "${name}". Systems: ${systems.map((system) => system.name).join(", ")}.`);
  return found;
};
