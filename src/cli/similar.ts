// Owns "did you mean": the known words that are nearest to one that is not known. Pure.

/** None where none is near enough to be meant; more than one where they are equally near. */
export function mostSimilar(word: string, known: Iterable<string>): string[] {
  let best: string[] = [];
  // One slip in three letters, and a half of a short word at most.
  let least = Math.min(3, Math.floor(word.length / 3) + 1, Math.ceil(word.length / 2));
  for (const candidate of known) {
    const isBeginning = candidate.startsWith(word) && word.length > 2;
    const distance = isBeginning ? 1 : slips(word, candidate);
    if (distance > least) continue;
    best = distance === least ? [...best, candidate] : [candidate];
    least = distance;
  }
  return best;
}

/** How many letters must be added, left out, exchanged or swapped with the next to make one word of the other. */
function slips(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const other = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + other);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      row.push(least);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
