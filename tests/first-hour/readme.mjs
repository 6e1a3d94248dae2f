// The commands that the README tells people to type.
import { readFileSync } from 'node:fs';

/** The lines of every `sh` block below a heading, in order; comments, continued lines and blank ones dealt with. */
export function commandsBelow(readme, heading) {
  const text = readFileSync(readme, 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  if (!section) throw new Error(`the README has no section "${heading}"`);
  const blocks = [...section.matchAll(/^( *)```sh\n(.*?)^\1```/gms)].map(([, , block]) => block);
  const lines = blocks.flatMap((block) => block.replaceAll(/\\\n\s*/g, '').split('\n'));
  return lines.map((line) => line.replace(/\s+#\s.*$/, '').trim()).filter((line) => line && !line.startsWith('#'));
}

/** A command with the reader's own values; each has to be there in some command, so that none goes stale. */
export function withOwnValues(commands, values) {
  for (const [from] of values) {
    if (!commands.some((command) => command.includes(from))) throw new Error(`no command of the README has ${from}`);
  }
  return commands.map((command) => values.reduce((text, [from, to]) => text.replaceAll(from, to), command));
}
