// Makes docs/errors.md from the one list of refusals in src/lib/core/errors.ts.
import { refusalExamples } from '../src/lib/core/errors.ts';

/** The whole page as Markdown. */
export function errorsPage(): string {
  const entries = refusalExamples().map(
    ({ code, when, error }) =>
      `## ${code}\n\n${when} Exit code ${error.exit}.\n\n\`\`\`text\nError: ${error.message}\n  ${error.hint}\n\`\`\`\n`,
  );
  return `# Errors\n
Every refusal that uncloud can make, with an example of each. The code is what \`--json\` gives as \`error.code\`.
This page is generated from \`src/lib/core/errors.ts\`: change it there and run \`npm run build\`.
Anything that is not listed here is a bug: it prints a stack trace and ends with 70.
A value that is refused with 1 in a file is refused with 2, wrong usage, in a flag or an argument; the code is the same.
A refusal of one row or interface among others is listed, and the command ends with 3.\n
${entries.join('\n')}`;
}
