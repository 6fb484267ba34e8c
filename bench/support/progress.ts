/** Where a run stands: one line that is rewritten on a terminal, plain lines in a pipe. */

export interface Progress {
  /** What happens now; short-lived. A pipe shows it only where it differs from the last. */
  step(text: string): void
  /** A result; stays. */
  line(text: string): void
}

const ERASE_LINE = '\r\u001b[2K'

export function makeProgress(out: NodeJS.WriteStream): Progress {
  if (!out.isTTY) {
    return {
      step: (text) => out.write(`  ${text}\n`),
      line: (text) => out.write(`${text}\n`),
    }
  }
  return {
    step: (text) => out.write(`${ERASE_LINE}  ${text.slice(0, out.columns - 3)}`),
    line: (text) => out.write(`${ERASE_LINE}${text}\n`),
  }
}

export const silentProgress: Progress = { step() {}, line() {} }
