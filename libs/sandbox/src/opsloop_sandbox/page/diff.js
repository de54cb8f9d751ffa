/* Which lines of two texts are not in the other: the longest common run of lines stays. Pure. */

/** [{line, isChanged}] for the old and for the new text. */
export function compared(before, after) {
  const old = before.split("\n");
  const fresh = after.split("\n");
  const common = lengths(old, fresh);
  const marked = [old.map(changed), fresh.map(changed)];
  let i = 0;
  let j = 0;
  while (i < old.length && j < fresh.length) {
    if (old[i] === fresh[j]) {
      marked[0][i].isChanged = false;
      marked[1][j].isChanged = false;
      i += 1;
      j += 1;
    } else if (common[i + 1][j] >= common[i][j + 1]) i += 1;
    else j += 1;
  }
  return marked;
}

function changed(line) {
  return { line, isChanged: true };
}

function lengths(old, fresh) {
  const table = Array.from({ length: old.length + 1 }, () => new Array(fresh.length + 1).fill(0));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = fresh.length - 1; j >= 0; j -= 1) {
      table[i][j] = old[i] === fresh[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
    }
  }
  return table;
}
