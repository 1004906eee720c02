import { describe, expect, it } from "vitest";
import { changedSettings, settingsSection } from "./settings.ts";

const defaults = {
  seed: 0,
  image: { size: 128, channels: "auto", levels: [1, 2] },
  region: null,
  network: { depth: { max: 4 } },
};
const settings = {
  seed: 0,
  image: { size: 64, channels: "auto", levels: [1, 3] },
  region: "r.png",
  network: { depth: { max: 4 } },
};
const section = (given: typeof settings | typeof defaults) =>
  settingsSection({ title: "t", system: "s", settings: given, defaults })!.markup;

describe("changedSettings", () => {
  it("finds what differs at any depth, in lists too, with the default", () => {
    expect(changedSettings(settings, defaults)).toEqual([
      { name: "image › size", value: 64, before: 128 },
      { name: "image › levels", value: [1, 3], before: [1, 2] },
      { name: "region", value: "r.png", before: null },
    ]);
    expect(changedSettings(defaults, defaults)).toEqual([]);
    expect(changedSettings({ extra: 1 }, defaults)).toEqual([{ name: "extra", value: 1, before: undefined }]);
  });
});

describe("settingsSection", () => {
  it("puts what differs first and folds all settings away, the changed ones marked", () => {
    const markup = section(settings);
    const [open, folded] = markup.split("<details");
    expect(open).toContain("image › size");
    expect(open).not.toContain("seed");
    expect(folded).toContain("All 6 settings");
    expect(folded).toContain("seed");
    expect(folded!.match(/class="differs"/g)).toHaveLength(3);
    expect(folded).toMatch(/<dt>size<\/dt><dd><span class="mark">set<\/span>/);
  });

  it("says so when nothing differs", () => {
    expect(section(defaults)).toContain("All settings are the defaults.");
    expect(section(defaults)).not.toContain("differs");
  });

  it("shows everything unfolded when the defaults are not known", () => {
    const { markup } = settingsSection({ title: "t", system: "s", settings })!;
    expect(markup).not.toContain("<details");
    expect(markup).toContain("64");
    expect(settingsSection({ title: "t", system: "s", defaults })).toBeUndefined();
  });
});
