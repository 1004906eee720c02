export { magnificationFlaws, magnificationOf, scaleFor } from "./magnification.ts";
export { openSlide } from "./open.ts";
export { levelFor, readScaled } from "./scaled.ts";
export type { OpenSlideOptions, Slide, SlideLevel, SlideRegion } from "./slide.ts";
export { type SlideLayout, type TileSource, type WriteSlideOptions, writeSlide } from "./write.ts";
