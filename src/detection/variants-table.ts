import type { Cell, Comparison } from "../report/index.ts";
import type { VariantRow } from "./variants.ts";

interface Column<Row> {
  readonly name: string;
  readonly better?: "higher" | "lower";
  readonly cell: (row: Row) => Cell;
}

export interface VariantsTableOptions<Row extends VariantRow> {
  readonly title: string;
  readonly note: string;
  /** What the method shows beside the common columns. */
  readonly columns?: readonly Column<Row>[];
  /** Rows that are set off. Default: the first of each group. */
  readonly emphasis?: (row: Row) => boolean;
}

/**
 * Variants as a table for the report and the terminal: measures, the method's own columns, steps and seconds where the rows differ in
 * steps, and the gain of each group's first row over the others, in points of AUROC and in per cent of theirs.
 */
export const variantsTable = <Row extends VariantRow>(
  rows: readonly Row[],
  { title, note, columns: own = [], emphasis = ({ gain }) => gain === undefined }: VariantsTableOptions<Row>,
): Comparison => {
  const measure = (name: string) => (row: Row) => row.measures[name] ?? null;
  const sameSteps = new Set(rows.map(({ steps }) => steps)).size < 2;
  const columns: Column<Row>[] = [
    { name: "image AUROC", better: "higher", cell: measure("image_auroc") },
    { name: "pixel AUROC", better: "higher", cell: measure("pixel_auroc") },
    { name: "PRO", better: "higher", cell: measure("pro") },
    ...own,
    ...(sameSteps
      ? []
      : [
          { name: "steps", cell: ({ steps }: Row) => steps },
          { name: "seconds", cell: ({ seconds }: Row) => Math.round(seconds) },
        ]),
    {
      name: "gain, points",
      cell: ({ gain }) => (gain ? { value: 100 * gain.value, low: 100 * gain.low, high: 100 * gain.high } : null),
    },
    {
      name: "gain, %",
      cell: ({ gain, measures }) => (gain ? Number(((100 * gain.value) / measures.image_auroc.value).toFixed(1)) : null),
    },
  ];
  return {
    title,
    note,
    columns: columns.map(({ name, better }) => ({ name, ...(better ? { better } : {}) })),
    rows: rows.map((row) => ({
      name: [row.group, row.name].filter(Boolean).join(", "),
      emphasis: emphasis(row),
      cells: columns.map(({ cell }) => cell(row)),
    })),
  };
};
