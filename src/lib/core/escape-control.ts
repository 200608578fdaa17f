// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const CONTROL_BUT_LINE_END = new RegExp(`(?!\n)${CONTROL.source}`, 'g');

/** Makes control characters and direction marks visible, so that text from elsewhere cannot steer a terminal. */
export function escapeControl(text: string): string {
  return text.replace(CONTROL, escaped);
}

/** The same for text of several lines, which stay lines. */
export function escapeLines(text: string): string {
  return text.replace(CONTROL_BUT_LINE_END, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
