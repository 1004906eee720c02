import { readConfig as readConfigOf, rebuildModel as rebuildModelOf } from "../../detection/index.ts";
import { type Config, configSchema } from "./config.ts";
import { method } from "./train.ts";

/** The configuration of a run folder. @throws Error when it is missing or does not fit this version. */
export const readConfig = (folder: string): Promise<Config> => readConfigOf(folder, configSchema);

/** The model of a run, see `rebuildModel` of detection. */
export const rebuildModel = (folder: string): Promise<Uint8Array> =>
  rebuildModelOf(folder, { schema: configSchema, methodOf: async () => method });
