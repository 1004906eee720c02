/** The classes of a mask, numbered as in the PANDA challenge's Radboud masks (Bulten et al. 2022). */
export const phantomClasses = {
  background: 0,
  stroma: 1,
  benign: 2,
  gleason3: 3,
  gleason4: 4,
  gleason5: 5,
} as const;

/** A Gleason pattern of cancer. */
export type GleasonPattern = 3 | 4 | 5;

/** How the glands of a region grow: the architecture that a pathologist names. */
export type Architecture = BenignArchitecture | CancerArchitecture;

export type BenignArchitecture = "normal" | "atrophy" | "hyperplasia" | "stroma";

export type CancerArchitecture = "well formed" | "cribriform" | "fused" | "poorly formed" | "sheet" | "cords" | "single cells";

/** The architectures of each Gleason pattern (Epstein et al. 2016, the 2014 ISUP consensus). */
export const architecturesOf: Readonly<Record<GleasonPattern, readonly CancerArchitecture[]>> = {
  3: ["well formed"],
  4: ["cribriform", "fused", "poorly formed"],
  5: ["sheet", "cords", "single cells"],
};

/** The mask's class of the glands of an architecture. */
export const classOf: Readonly<Record<Exclude<Architecture, "stroma">, number>> = {
  normal: phantomClasses.benign,
  atrophy: phantomClasses.benign,
  hyperplasia: phantomClasses.benign,
  "well formed": phantomClasses.gleason3,
  cribriform: phantomClasses.gleason4,
  fused: phantomClasses.gleason4,
  "poorly formed": phantomClasses.gleason4,
  sheet: phantomClasses.gleason5,
  cords: phantomClasses.gleason5,
  "single cells": phantomClasses.gleason5,
};
