import { constant, formatShape, GraphError, input, type Tensor } from "../graph/index.ts";
import { type Random, random } from "../random/index.ts";
import type { Value } from "../runtime/index.ts";

/** First values of a parameter. Shapes are static; `rng` is keyed by the parameter's full name. */
export type Initialiser = (shape: readonly number[], rng: Random) => Float32Array;

/** A named tensor that a network owns. */
export interface Declaration {
  readonly tensor: Tensor;
  readonly initialise: () => Value;
  /** Changed by the optimiser (weights), not by the network itself (running statistics). */
  readonly trained: boolean;
  /** Shrunk by weight decay. */
  readonly decays: boolean;
}

/** What is made of a declared parameter: a weight, which decays or not, or a state. */
type Kind = Pick<Declaration, "trained" | "decays">;

interface Registry {
  readonly training: boolean;
  readonly declarations: Map<string, Declaration>;
  readonly updates: Map<string, Tensor>;
  declare(name: string, shape: readonly number[], initialise: Initialiser, kind: Kind): Declaration;
}

/**
 * The named parameters of a network, handed down through its functions; `at` opens a scope. The same network function,
 * given `trainable` parameters, builds the graph of a training step and, given `frozen` ones, the model with constants.
 */
export class Parameters {
  private readonly registry: Registry;
  private readonly prefix: string;

  constructor(registry: Registry, prefix = "") {
    this.registry = registry;
    this.prefix = prefix;
  }

  /** Layers behave as in training: batch statistics are used and followed. */
  get training(): boolean {
    return this.registry.training;
  }

  at(scope: string): Parameters {
    return new Parameters(this.registry, `${this.prefix}${scope}.`);
  }

  /**
   * A tensor that the optimiser changes. Weight decay is for the weights of linear maps: shrinking biases and scales only hinders
   * (Loshchilov's and later practice), so by default tensors of two dimensions and more decay.
   * @throws GraphError when the name is taken by another shape.
   */
  weight(name: string, shape: readonly number[], initialise: Initialiser, { decays = shape.length > 1 } = {}): Tensor {
    return this.registry.declare(this.prefix + name, shape, initialise, { trained: true, decays }).tensor;
  }

  /** A tensor that the network changes itself by `update`. */
  state(name: string, shape: readonly number[], initialise: Initialiser): Tensor {
    return this.registry.declare(this.prefix + name, shape, initialise, { trained: false, decays: false }).tensor;
  }

  /** The value of a state after this step. */
  update(name: string, next: Tensor): void {
    this.registry.updates.set(this.prefix + name, next);
  }

  get declarations(): ReadonlyMap<string, Declaration> {
    return this.registry.declarations;
  }

  get updates(): ReadonlyMap<string, Tensor> {
    return this.registry.updates;
  }
}

const parameters = (
  training: boolean,
  make: (name: string, shape: readonly number[], initialise: Initialiser, kind: Kind) => Declaration,
) => {
  const declarations = new Map<string, Declaration>();
  const declare: Registry["declare"] = (name, shape, initialise, kind) => {
    const known = declarations.get(name);
    if (known === undefined) {
      const declaration = make(name, shape, initialise, kind);
      declarations.set(name, declaration);
      return declaration;
    }
    if (known.tensor.shape.join() === shape.join()) return known;
    throw new GraphError(
      `The parameter "${name}" is used with the shapes ${formatShape(known.tensor.shape)} and ${formatShape(shape)}.`,
    );
  };
  return new Parameters({ training, declarations, updates: new Map(), declare });
};

export interface TrainableOptions {
  /** Default 0. */
  readonly seed?: number;
  /** First values of parameters, by name, such as those of a published network. */
  readonly from?: ReadonlyMap<string, Value>;
}

/**
 * Parameters as inputs of a training step. Each starts from its value in `from`, or else from a stream of its own, keyed by (seed, name).
 * @throws GraphError when a value has another shape than its parameter.
 */
export const trainable = ({ seed = 0, from }: TrainableOptions = {}): Parameters =>
  parameters(true, (name, shape, initialise, kind) => {
    const given = from?.get(name);
    if (given !== undefined && given.shape.join() !== shape.join()) {
      throw new GraphError(
        `The parameter "${name}" has the shape ${formatShape(shape)}, its first values ${formatShape(given.shape)}.`,
      );
    }
    return {
      tensor: input(name, shape),
      initialise: () => given ?? { data: initialise(shape, random("parameter", seed, name)), shape },
      ...kind,
    };
  });

/** Trained parameters as constants. @throws GraphError when one is missing or has another shape. */
export const frozen = (values: ReadonlyMap<string, Value>): Parameters =>
  parameters(false, (name, shape, _, kind) => {
    const value = values.get(name);
    if (value === undefined) throw new GraphError(`There is no trained value for the parameter "${name}".`);
    if (value.shape.join() !== shape.join()) {
      throw new GraphError(
        `The parameter "${name}" needs the shape ${formatShape(shape)}, but was trained with ${formatShape(value.shape)}.`,
      );
    }
    return { tensor: constant(value.data, value.shape), initialise: () => value, ...kind };
  });
