/** The colours of the report on paper and on light and dark screens. `soft` is for secondary text, `seriesN` for lines of charts. */
export const themes = {
  light: {
    paper: "#fbfbfa",
    panel: "#ffffff",
    ink: "#1b1f24",
    soft: "#59616b",
    line: "#dfe2e5",
    grid: "#eceef0",
    accent: "#0b5a8f",
    good: "#0b6ea8",
    bad: "#b04600",
    caution: "#fff4e5",
    series0: "#0072b2",
    series1: "#b84a00",
    series2: "#00795a",
    series3: "#9c4a86",
    series4: "#6b6100",
  },
  dark: {
    paper: "#14171a",
    panel: "#1b1f23",
    ink: "#e8eaed",
    soft: "#a3abb4",
    line: "#343a41",
    grid: "#272c31",
    accent: "#7cc0ee",
    good: "#62b3ea",
    bad: "#f0935a",
    caution: "#2c231a",
    series0: "#62b3ea",
    series1: "#f0935a",
    series2: "#3fc39d",
    series3: "#d794c4",
    series4: "#d3c75a",
  },
  print: {
    paper: "#ffffff",
    panel: "#ffffff",
    ink: "#000000",
    soft: "#444444",
    line: "#c4c4c4",
    grid: "#e6e6e6",
    accent: "#000000",
    good: "#0b5a8f",
    bad: "#9c3d00",
    caution: "#ffffff",
    series0: "#0072b2",
    series1: "#b84a00",
    series2: "#00795a",
    series3: "#9c4a86",
    series4: "#6b6100",
  },
} as const;

/** The custom properties of a theme, as they stand in a rule. */
export const themeProperties = (theme: keyof typeof themes): string =>
  Object.entries(themes[theme])
    .map(([name, colour]) => `--${name}: ${colour};`)
    .join(" ");
