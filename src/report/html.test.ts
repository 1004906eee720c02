import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapeHtml, html, trusted } from "./html.ts";

describe("escapeHtml", () => {
  it("leaves no character that could open a tag, a reference or end an attribute", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const escaped = escapeHtml(text);
        expect(escaped).not.toMatch(/[<>"']/);
        expect(escaped.replace(/&(amp|lt|gt|quot|#39);/g, "")).not.toContain("&");
      }),
    );
  });

  it("replaces characters a document may not hold", () => {
    expect(escapeHtml("a\u0000b\u001bc\ud800d\ne")).toBe("a\uFFFDb\uFFFDc\uFFFDd\ne");
    expect(escapeHtml("Größe 😀")).toBe("Größe 😀");
  });
});

describe("html", () => {
  it("escapes text, keeps markup and drops absent values", () => {
    const inner = html`<b title="${'"'}">${"<i>"}</b>`;
    expect(html`${inner}${[trusted("<hr>"), "&", 3]}${undefined}${null}${false}`.markup).toBe(
      '<b title="&quot;">&lt;i&gt;</b><hr>&amp;3',
    );
  });
});
