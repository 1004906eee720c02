/**
 * Otsu's threshold ("A threshold selection method from gray-level histograms", 1979): the level t that maximises the variance between
 * the classes "at most t" and "above t", w0 w1 (mean0 - mean1)^2. Where neighbouring levels do so equally, because nothing lies between
 * them, their middle. Undefined when the histogram holds fewer than two levels.
 */
export const otsuThreshold = (histogram: ArrayLike<number>): number | undefined => {
  let [total, moment] = [0, 0];
  for (let level = 0; level < histogram.length; level++) {
    total += histogram[level];
    moment += level * histogram[level];
  }
  let [count, sum] = [0, 0];
  let [best, first, last] = [0, -1, -1];
  for (let level = 0; level < histogram.length - 1; level++) {
    count += histogram[level];
    sum += level * histogram[level];
    if (count === 0 || count === total) continue;
    const between = (total * sum - count * moment) ** 2 / (count * (total - count));
    if (between > best) [best, first, last] = [between, level, level];
    else if (between === best) last = level;
  }
  return best === 0 ? undefined : Math.floor((first + last) / 2);
};
