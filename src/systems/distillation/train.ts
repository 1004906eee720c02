import { calibrate, ignoresPixels, type Method, type MethodOf, weightSettings } from "../../detection/index.ts";
import { add, averagePool2d, mul, stopGradient, type Tensor } from "../../graph/index.ts";
import { frozen, type Parameters, type TrainingStep, trainingStep } from "../../nn/index.ts";
import { updateSettingsOf } from "../../training/index.ts";
import { anomalyMap } from "./anomaly-map.ts";
import type { Config, ModelConfig } from "./config.ts";
import { augments, batchMaker, flat, remindsOfExemplars, type View, viewOf } from "./data.ts";
import { detector } from "./detector.ts";
import { distillationLoss, normalityLoss, orthogonalityLoss } from "./losses.ts";
import { rememberExemplars } from "./memory/first-memory.ts";
import { student, studentOptions } from "./model.ts";
import { teacherOf } from "./teacher.ts";
import { readTeacher, type TeacherFile } from "./teachers/index.ts";

/** The method with the teacher that the settings name. */
export const methodOf: MethodOf<Config> = async (config, watch) =>
  methodWith(await readTeacher(config.teacher.model, watch), config);

/** The method with a teacher at hand. @throws GraphError when it cannot be one at this size of images. */
export const methodWith = (file: TeacherFile, config: Config): Method<Config> => {
  const teacher = teacherOf(file, config.teacher, config.image.size);
  const { name, digest } = file;
  return {
    system: "distillation",
    // The teacher's bytes count, not where they lie.
    weightsOf: (settled) => ({ ...weightSettings(settled), teacher: { ...settled.teacher, model: digest } }),
    keep: augments(config) ? undefined : () => (x) => flat(teacher.features(x)),
    step: (settled, images) => buildStep(viewOf(teacher, settled), settled, ignoresPixels(images, settled)),
    batches: (work) => batchMaker(work, viewOf(teacher, work.config)),
    begin: ({ runtime, config: settled, images }) => rememberExemplars(runtime, viewOf(teacher, settled), settled, images),
    finish: async ({ runtime, network, config: settled, images, region }) => {
      const p = frozen(network);
      const { shape, features } = viewOf(teacher, settled);
      const mapOf = (x: Tensor) => anomalyMap(p, features(x), teacher.scales, settled);
      const calibration = settled.score.standardise ? await calibrate(runtime, mapOf, [1, ...shape], images) : undefined;
      return detector(p, teacher, settled, calibration, region);
    },
    unfinished: (network, settled, region) => detector(frozen(network), teacher, settled, undefined, region),
    provenance: {
      teacher: { name, digest, features: teacher.scales.map(({ name, stride, channels }) => ({ name, stride, channels })) },
    },
  };
};

/** The graph of one step: `L_KD + l1 L_NM + l2 L_ORTH`. */
export const buildStep = (view: View, config: ModelConfig, weighsPixels = false): TrainingStep => {
  const { seed, image, memory, loss: weight, training } = config;
  const options = studentOptions(config);
  const reminds = remindsOfExemplars(config);
  const pixels = [1, image.size, image.size];
  return trainingStep({
    seed,
    batch: {
      x: [training.batch, ...view.shape],
      ...(reminds ? { exemplars: [memory.exemplarsPerStep, ...view.shape] } : {}),
      ...(weighsPixels ? { weights: [training.batch, ...pixels] } : {}),
      ...(weighsPixels && reminds ? { exemplarWeights: [memory.exemplarsPerStep, ...pixels] } : {}),
    },
    objective: (p, { x, exemplars, weights, exemplarWeights }) => {
      const pooled = (counts: Tensor | undefined, features: readonly Tensor[]) =>
        counts && features.map((feature) => averagePool2d(counts, image.size / (feature.shape[2] as number)));
      // The exemplars first: the running statistics are to be those of the batch.
      const recollections = exemplars ? student(p, view.features(exemplars), options, stopGradient).recollections : [];
      const asked = recollections.map((recollection) => recollection.asked);
      const normality = exemplars && normalityLoss(recollections, pooled(exemplarWeights, asked));
      const features = view.features(x);
      const distillation = distillationLoss(
        features,
        student(p, features, options).features,
        weight.form,
        pooled(weights, features),
      );
      const memories = memoriesOf(p);
      const orthogonality = memories.length > 0 && weight.orthogonality > 0 ? orthogonalityLoss(memories) : undefined;
      const terms = [
        distillation,
        ...(normality ? [mul(normality, weight.normality)] : []),
        ...(orthogonality ? [mul(orthogonality, weight.orthogonality)] : []),
      ];
      return {
        loss: terms.reduce((total, term) => add(total, term)),
        distillation,
        ...(normality ? { normality } : {}),
        ...(orthogonality ? { orthogonality } : {}),
      };
    },
    ...updateSettingsOf(training),
  });
};

/** Everything that is remembered, each [items, channels]: keys, values, and the projections that make adaptive items. */
export const memoriesOf = (p: Parameters): Tensor[] =>
  [...p.declarations].flatMap(([name, { tensor }]) => (/memory\.(keys|values|projection)$/.test(name) ? [tensor] : []));
