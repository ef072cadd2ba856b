// Waiting for something that an editor does in its own time: ask again and again, with a long limit.

/**
 * Calls `probe` until it answers something that is not undefined, null or false, and answers that. An error of the
 * probe counts as "not yet" unless time is up.
 */
export async function until(what, limitMs, probe) {
  const end = Date.now() + limitMs;
  for (;;) {
    let last;
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== null && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) {
      throw new Error(`waited ${limitMs / 1000} s for ${what}${last === undefined ? "" : `: ${last.message}`}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
