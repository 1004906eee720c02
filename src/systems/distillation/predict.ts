/**
 * Prediction with a trained model is the same for every image detector: the model file holds preprocessing, teacher, student, map and
 * score, so nothing of this system is needed beside it.
 */
export { predict } from "../../detection/index.ts";
