/** What to do with an error of the engine. docs/how-to/embed.md shows a part of this file. */
import { PolicyError } from 'countersign'

declare function tellModel(text: string): void
declare function later(): void

export async function run(tool: () => Promise<unknown>): Promise<void> {
  // #region errors
  try {
    await tool()
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    if (error.retryable) later()
    else tellModel(`${error.code}: ${error.message} (${error.documentation_url})`)
  }
  // #endregion
}
