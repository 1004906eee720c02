import type { Estimate } from "./data.ts";
import { html, type Markup } from "./html.ts";

/** What stands where a number is missing or not finite. */
export const absent = "–";

const minus = "\u2212";
const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** A measured value: three decimals in the usual range, fewer for large values, powers of ten beyond. */
export function formatValue(value: number): string {
  if (!Number.isFinite(value)) return absent;
  const magnitude = Math.abs(value);
  if (magnitude === 0) return "0.000";
  if (magnitude < 0.0005 || magnitude >= 1e7) return formatPower(value, 2);
  return signed(value, magnitude < 10 ? 3 : magnitude < 100 ? 2 : magnitude < 1000 ? 1 : 0);
}

/** A count of things, with separated thousands. */
export function formatCount(count: number): string {
  return Number.isFinite(count) ? signed(count, 0) : absent;
}

/** A share between 0 and 1 as a percentage. */
export function formatShare(share: number): string {
  return Number.isFinite(share) ? `${signed(share * 100, 1)} %` : absent;
}

/** The number at an axis tick: short, without trailing zeros. */
export function formatTick(value: number): string {
  if (!Number.isFinite(value)) return "";
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-3 || magnitude >= 1e5)) return formatPower(value, 3);
  return Number(value.toPrecision(4)).toLocaleString("en-US", { maximumFractionDigits: 6 }).replace("-", minus);
}

/** The interval alone, "0.912 – 0.987", or nothing where a bound is missing. */
export function formatInterval({ low, high }: Estimate): string | undefined {
  if (low === undefined || high === undefined || !Number.isFinite(low) || !Number.isFinite(high)) return undefined;
  return `${formatValue(low)} – ${formatValue(high)}`;
}

/** A value followed by its interval in small grey figures. */
export function estimate(estimated: Estimate): Markup {
  const interval = formatInterval(estimated);
  return html`<span class="value">${formatValue(estimated.value)}</span>${interval && html` <span class="interval">${interval}</span>`}`;
}

function signed(value: number, decimals: number): string {
  const text = Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return value < 0 && /[1-9]/.test(text) ? minus + text : text;
}

function formatPower(value: number, digits: number): string {
  const [mantissa, exponent] = Math.abs(value)
    .toExponential(digits - 1)
    .split("e") as [string, string];
  const raised = [...String(Math.abs(Number(exponent)))].map((digit) => superscripts[Number(digit)]).join("");
  const power = `10${Number(exponent) < 0 ? "⁻" : ""}${raised}`;
  const factor = Number(mantissa) === 1 ? "" : `${Number(mantissa)}×`;
  return `${value < 0 ? minus : ""}${factor}${power}`;
}
