import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { balanced, balancedGrid } from "./layout.ts";

describe("balanced", () => {
  it("fills rows with as many columns as leave at most one place empty", () => {
    expect(balanced(6, 6)).toEqual({ columns: 6, empty: 0 });
    expect(balanced(6, 4)).toEqual({ columns: 3, empty: 0 });
    expect(balanced(5, 3)).toEqual({ columns: 3, empty: 1 });
    expect(balanced(4, 3)).toEqual({ columns: 2, empty: 0 });
    expect(balanced(7, 6)).toEqual({ columns: 4, empty: 1 });
    expect(balanced(1, 3)).toEqual({ columns: 1, empty: 0 });
  });

  it("never leaves a lone panel in a row of three or more", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 8 }), (count, most) => {
        const { columns, empty } = balanced(count, most);
        expect(columns).toBeLessThanOrEqual(Math.min(most, count));
        expect((count + empty) % columns).toBe(0);
        expect(empty).toBeLessThanOrEqual(1);
        expect(columns).toBeGreaterThanOrEqual(Math.min(2, most, count));
      }),
    );
  });
});

describe("balancedGrid", () => {
  it("lets one panel span the empty place", () => {
    expect(balancedGrid(5, 3, 2, 1).markup).toBe(
      'style="--wide:3;--wide-span:2;--medium:2;--medium-span:2;--narrow:1;--narrow-span:1"',
    );
  });
});
