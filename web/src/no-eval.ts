import { config } from 'zod';

// The pages' content security policy forbids making code out of text; the schemas of the API work without it.
config({ jitless: true });
