/** What long work tells whoever watches: the terminal, the service, a test. */
export type ProgressEvent =
  | { readonly kind: "stage"; readonly text: string }
  | {
      readonly kind: "step";
      readonly step: number;
      readonly total: number;
      readonly loss: number;
      readonly learningRate: number;
      /** By the steps after the first, which prepares; undefined until there are some. */
      readonly secondsLeft: number | undefined;
    }
  | { readonly kind: "count"; readonly text: string; readonly done: number; readonly total: number }
  | { readonly kind: "warning"; readonly text: string };

export type Listener = (event: ProgressEvent) => void;
