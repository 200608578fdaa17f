export { interrupt, main } from './lib/cli/main.ts';
