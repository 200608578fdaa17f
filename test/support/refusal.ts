import { UserError } from '../../src/lib/core/errors.ts';

/** The refusal that a call makes; anything else that it does fails the test. */
export function refusalOf(call: () => unknown): UserError {
  try {
    call();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
